//! How a server does: its figures with their units, what stands open to the outside, and what needs a hand.

use super::{Line, size};
use crate::words::agents::Light;
use crate::words::{begun, counted, ended, listed, sentence, time};
use protocol::At;
use protocol::setup::{Certificate, CertificateState, Exposure, Health, Room, Tried};

/// What one agrees to with a domain.
pub const CERTIFICATE: &str = "A certificate for it, so that the site answers over HTTPS";
pub const TERMS: &str = "From Let's Encrypt. You agree to its terms of service (letsencrypt.org/repository).";

/// How full something is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gauge {
    pub name: &'static str,
    pub says: String,
    /// None: unknown, or there is none.
    pub percent: Option<u64>,
    pub light: Light,
}

pub fn gauges(health: &Health) -> Vec<Gauge> {
    vec![
        load(health),
        room("Memory", health.memory, 90, 97),
        room("Swap", health.swap, 60, 90),
        room("Disk", health.disk, 85, 95),
    ]
}

fn load(health: &Health) -> Gauge {
    let unknown = Gauge { name: "Processor", says: "unknown".into(), percent: None, light: Light::Grey };
    let (Some(load), Some(cores)) = (health.load, health.cores.filter(|n| *n > 0)) else { return unknown };
    if !load.is_finite() || load < 0.0 {
        return unknown;
    }
    let percent = (load * 100.0 / f64::from(cores)).round() as u64;
    let hundredths = (load * 100.0).round() as u64;
    Gauge {
        name: "Processor",
        says: format!(
            "load {}.{:02} on {}",
            hundredths / 100,
            hundredths % 100,
            counted(u64::from(cores), "core", "cores")
        ),
        percent: Some(percent),
        light: by(percent, 100, 300),
    }
}

fn room(name: &'static str, room: Option<Room>, warns: u64, bad: u64) -> Gauge {
    match room {
        None => Gauge { name, says: "unknown".into(), percent: None, light: Light::Grey },
        Some(Room { total: 0, .. }) => Gauge { name, says: "none".into(), percent: None, light: Light::Grey },
        Some(Room { used, total }) => {
            let percent = used.saturating_mul(100) / total;
            let says = format!("{} of {} used", size(used), size(total));
            Gauge { name, says, percent: Some(percent), light: by(percent, warns, bad) }
        }
    }
}

fn by(percent: u64, warns: u64, bad: u64) -> Light {
    if percent >= bad {
        Light::Red
    } else if percent >= warns {
        Light::Amber
    } else {
        Light::Green
    }
}

/// Programs and services.
pub fn services(health: &Health) -> Vec<Line> {
    let mut lines = vec![match &health.daemon {
        Some(version) => Line::new(Light::Green, "Loopwright", format!("version {version} answers")),
        None => Line::new(Light::Red, "Loopwright", "does not answer")
            .more("Repair looks for the cause and mends it."),
    }];
    lines.push(if health.edge {
        Line::new(Light::Green, "The sites' front door", "answers")
    } else {
        Line::new(Light::Red, "The sites' front door", "does not answer").more("Repair starts it again.")
    });
    lines.extend(health.units.iter().map(|unit| {
        let light = match unit.state.as_str() {
            "active" => Light::Green,
            "failed" => Light::Red,
            _ => Light::Amber,
        };
        Line::new(light, &unit.name, unit.state.clone())
    }));
    lines
}

/// The system around it.
pub fn system(health: &Health) -> Vec<Line> {
    let yes_no = |name: &str, state: Option<bool>, yes: &str, no: &str, means: &str| match state {
        None => Line::unknown(name),
        Some(true) => Line::new(Light::Green, name, yes),
        Some(false) => Line::new(Light::Amber, name, no).more(means),
    };
    vec![
        health.uptime.map_or_else(
            || Line::unknown("Running for"),
            |seconds| Line::new(Light::Green, "Running for", time::elapsed(seconds.saturating_mul(1000))),
        ),
        match health.reboot_needed {
            None => Line::unknown("Restart of the server"),
            Some(false) => Line::new(Light::Green, "Restart of the server", "not needed"),
            Some(true) => Line::new(Light::Amber, "Restart of the server", "needed by its updates")
                .more("Everything comes back by itself after a restart."),
        },
        yes_no(
            "Clock",
            health.time_synced,
            "kept right",
            "not kept right",
            "Repair turns the time service on.",
        ),
        yes_no(
            "Security updates",
            health.security_updates,
            "install themselves",
            "do not install themselves",
            "Repair turns them on, if you chose them in the plan.",
        ),
        yes_no(
            "Sandbox for agents",
            health.sandbox,
            "works",
            "cannot be made",
            "Agents run as a user of their own without it. Repair tries to mend it.",
        ),
    ]
}

pub fn certificates(certificates: &[Certificate], now: At, zone: i32) -> Vec<Line> {
    certificates.iter().map(|certificate| self::certificate(certificate, now, zone)).collect()
}

fn certificate(certificate: &Certificate, now: At, zone: i32) -> Line {
    const DAY: i64 = 86_400_000;
    let name = &certificate.name;
    let line = match (certificate.until, certificate.state) {
        (Some(until), _) if until <= now => {
            Line::new(Light::Red, name, format!("ended {}", time::relative(now, until, zone)))
        }
        (Some(until), _) => {
            let light = if until.0 - now.0 < 14 * DAY { Light::Amber } else { Light::Green };
            let day: String = time::exact(until, zone).chars().take(10).collect();
            let by = certificate.issuer.as_ref().map(|issuer| format!(", from {issuer}")).unwrap_or_default();
            Line::new(light, name, format!("good until {day}{by}"))
        }
        (None, CertificateState::NotAsked) => Line::new(Light::Grey, name, "none is asked for"),
        (None, CertificateState::Blocked) => Line::new(Light::Amber, name, "waits until the name leads here"),
        (None, CertificateState::Ordering) => Line::new(Light::Grey, name, "is being asked for"),
        (None, CertificateState::Failed) => Line::new(Light::Amber, name, "could not be had yet"),
        (None, CertificateState::Standing | CertificateState::Expired | CertificateState::Unknown) => {
            Line::new(Light::Grey, name, "no certificate yet")
        }
    };
    let Some(error) = &certificate.error else { return line };
    let renewal = if certificate.until.is_some() { "The last renewal failed: " } else { "" };
    let next = certificate.next.as_ref().map(|next| format!(" {}", begun(next))).unwrap_or_default();
    // A name is written as it is.
    let error = if error.starts_with(name.as_str()) { ended(error) } else { sentence(error) };
    let light = match line.light {
        Light::Green => Light::Amber,
        Light::Grey if certificate.state == CertificateState::Unknown => Light::Amber,
        light => light,
    };
    Line { light, ..line }.more(format!("{renewal}{error}{next}"))
}

/// What listens on other than loopback addresses, as the server itself says it.
pub fn listens(health: &Health) -> String {
    if health.open.is_empty() {
        return "Nothing listens on an outside address.".to_owned();
    }
    let ports: Vec<String> = health
        .open
        .iter()
        .map(|open| match &open.program {
            Some(program) => format!("{} ({program})", open.port),
            None => open.port.to_string(),
        })
        .collect();
    format!("On the server these listen on outside addresses: {}.", listed(&ports))
}

/// The result of trying the server from this computer.
pub fn exposure(exposure: &Exposure) -> (Light, String) {
    let wrong: Vec<String> =
        exposure.wrong().map(|tried| format!("{} ({})", tried.port, tried.what)).collect();
    let shut: Vec<String> =
        exposure.tried.iter().filter(|t| t.meant && !t.open).map(|t| t.port.to_string()).collect();
    if !wrong.is_empty() {
        let ports = if wrong.len() == 1 { "Port" } else { "Ports" };
        let answer = if wrong.len() == 1 { "answers" } else { "answer" };
        return (Light::Red, format!("{ports} {} {answer} from outside and should not.", listed(&wrong)));
    }
    if exposure.tried.is_empty() {
        return (Light::Grey, "Nothing was tried.".to_owned());
    }
    let asked = counted(exposure.tried.len() as u64, "port", "ports");
    if shut.is_empty() {
        (Light::Green, format!("Of {asked} tried, only those answer that are meant to."))
    } else {
        let dont = if shut.len() == 1 { "does" } else { "do" };
        (
            Light::Amber,
            format!(
                "Nothing answers that should not, but {} {dont} not answer: a firewall of your provider may be in the way.",
                listed(&shut)
            ),
        )
    }
}

/// One port of it.
pub fn tried(tried: &Tried) -> (Light, &'static str) {
    match (tried.open, tried.meant) {
        (true, true) => (Light::Green, "answers, as it is meant to"),
        (false, false) => (Light::Green, "does not answer, as it is meant to"),
        (true, false) => (Light::Red, "answers and should not"),
        (false, true) => (Light::Amber, "should answer and does not"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::servers::sample;

    const NOW: At = At(1_795_336_658_000);

    #[test]
    fn figures_have_units_and_what_is_not_known_is_no_zero() {
        let nothing = gauges(&Health::default());
        assert!(nothing.iter().all(|g| g.says == "unknown" && g.percent.is_none() && g.light == Light::Grey));
        let gauges = gauges(&sample::health());
        let says: Vec<_> = gauges.iter().map(|g| (g.name, g.says.as_str(), g.percent)).collect();
        assert_eq!(
            says,
            [
                ("Processor", "load 0.42 on 2 cores", Some(21)),
                ("Memory", "810 MiB of 1.9 GiB used", Some(40)),
                ("Swap", "none", None),
                ("Disk", "18.0 GiB of 20.0 GiB used", Some(90)),
            ]
        );
        assert_eq!(gauges[3].light, Light::Amber);
    }

    #[test]
    fn what_needs_a_hand_says_so() {
        let health = sample::health();
        assert!(
            services(&health).iter().any(|l| l.name == "loopwright-edge.service" && l.light == Light::Red)
        );
        let lines = system(&health);
        assert_eq!(lines.iter().find(|l| l.name == "Restart of the server").unwrap().light, Light::Amber);
        assert_eq!(lines.iter().find(|l| l.name == "Sandbox for agents").unwrap().says, "unknown");
        assert!(services(&Health::default())[0].more.is_some());
        assert!(listens(&health).contains("22 (sshd), 80 (loopwrightd) and 5432"));
    }

    #[test]
    fn certificates_end_and_say_why() {
        let of = |days: i64, error: Option<&str>| Certificate {
            name: "site.example".into(),
            until: Some(At(NOW.0 + days * 86_400_000)),
            error: error.map(str::to_owned),
            ..Certificate::default()
        };
        let lights = |days| certificate(&of(days, None), NOW, 0).light;
        assert_eq!((lights(60), lights(5), lights(-1)), (Light::Green, Light::Amber, Light::Red));
        let failed = certificate(&of(60, Some("the name does not lead here")), NOW, 0);
        assert_eq!(failed.light, Light::Amber);
        assert_eq!(failed.more.as_deref(), Some("The last renewal failed: The name does not lead here."));
        assert_eq!(certificate(&of(60, None), NOW, 0).says, "good until 2027-01-21");
        let issued = Certificate { issuer: Some("Let's Encrypt".into()), ..of(60, None) };
        assert_eq!(certificate(&issued, NOW, 0).says, "good until 2027-01-21, from Let's Encrypt");
    }

    #[test]
    fn a_certificate_that_is_not_there_says_what_it_waits_for() {
        let of = |state, error: &str, next: &str| {
            let some = |text: &str| Some(text).filter(|text| !text.is_empty()).map(str::to_owned);
            let (error, next) = (some(error), some(next));
            certificate(
                &Certificate { name: "site.example".into(), state, error, next, ..Certificate::default() },
                NOW,
                0,
            )
        };
        let blocked = of(
            CertificateState::Blocked,
            "site.example points to 192.0.2.7, but this server is 192.0.2.8",
            "set its A record to 192.0.2.8",
        );
        assert_eq!((blocked.light, blocked.says.as_str()), (Light::Amber, "waits until the name leads here"));
        assert_eq!(
            blocked.more.as_deref(),
            Some(
                "site.example points to 192.0.2.7, but this server is 192.0.2.8. Set its A record to 192.0.2.8"
            )
        );
        let not_asked = of(CertificateState::NotAsked, "nobody agreed to the terms", "");
        assert_eq!((not_asked.light, not_asked.says.as_str()), (Light::Grey, "none is asked for"));
        assert_eq!(of(CertificateState::Failed, "the authority cannot be reached", "").light, Light::Amber);
        assert_eq!(of(CertificateState::Ordering, "", "").says, "is being asked for");
    }

    #[test]
    fn only_what_should_not_answer_is_red() {
        let mut seen = sample::exposure();
        assert_eq!(exposure(&seen).0, Light::Green);
        seen.tried[2].open = false;
        let (light, says) = exposure(&seen);
        assert_eq!(light, Light::Amber);
        assert!(says.contains("but 443 does not answer"), "{says}");
        seen.tried[3].open = true;
        assert_eq!(
            exposure(&seen),
            (Light::Red, "Port 9119 (dashboard) answers from outside and should not.".into())
        );
        assert_eq!(tried(&seen.tried[3]).0, Light::Red);
        seen.tried.clear();
        assert_eq!(exposure(&seen).0, Light::Grey);
    }
}
