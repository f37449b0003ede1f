//! What the world sees of the sites: the doors that were handed over, and the names of the user's own.

use super::{Inner, Sites, Table};
use crate::certificates::{Consent, Domain};
use crate::edge::names::World;
use crate::edge::state::SavedDomain;
use crate::edge::{DomainState, EdgeError, Refusal, server, tls};
use protocol::id::ProjectId;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::net::TcpListener;

impl Sites {
    /// Serves the ports that were handed over.
    pub(in super::super) fn open_doors(&self) -> Result<(), EdgeError> {
        let Inner { config, front, names, certificates, .. } = &*self.0;
        let https = config.https_door().then_some(config.https);
        let world = World { names: names.clone(), certificates: certificates.clone(), https };
        let failed = || EdgeError::io("take over the ports that were handed over");
        for door in &config.doors {
            let listener = door.try_clone().map_err(failed())?;
            listener.set_nonblocking(true).map_err(failed())?;
            let port = listener.local_addr().map_err(failed())?.port();
            let listener = TcpListener::from_std(listener).map_err(failed())?;
            let door = server::Door { world: Some(world.clone()), ..self.door(front.clone()) };
            if Some(port) == https {
                let tls = certificates.tls().map_err(|cause| failed()(std::io::Error::other(cause)))?;
                tokio::spawn(tls::serve(listener, door, tls));
            } else {
                tokio::spawn(server::serve(listener, door));
            }
        }
        Ok(())
    }

    /// Names a project, or the one behind the world's ports; on the disk before it is so.
    pub(in super::super) async fn set_domain(
        &self,
        project: Option<ProjectId>,
        domain: Option<Domain>,
        consent: Consent,
    ) -> Result<(), EdgeError> {
        if self.0.config.doors.is_empty() {
            let says = "the sites of this computer have no domain: the world does not reach them";
            return Err(EdgeError::refused(Refusal::Invalid, says));
        }
        let mut table = self.0.table.lock().await;
        if let Some(project) = project.as_ref().filter(|project| !table.projects.contains_key(*project)) {
            return Err(EdgeError::refused(Refusal::Unknown, format!("no project {project}")));
        }
        // The first project stays the first one, so that both are the same.
        let project = project.filter(|project| table.front.as_ref() != Some(project));
        let taken = domain.as_ref().and_then(|domain| table.domains.get(domain));
        if taken.is_some_and(|taken| taken.project != project) {
            return Err(EdgeError::refused(Refusal::Invalid, "another project has this domain"));
        }
        let before = table.domains.clone();
        table.domains.retain(|_, saved| saved.project != project);
        let mut consent = consent;
        if let Some(domain) = &domain {
            // What was agreed to for this name stays agreed to.
            if let Some(SavedDomain { consent: known, .. }) = before.get(domain) {
                consent.agreed |= known.agreed;
                consent.contact = consent.contact.or_else(|| known.contact.clone());
            }
            table.domains.insert(domain.clone(), SavedDomain { project, consent: consent.clone() });
        }
        if let Err(cause) = self.save(&table) {
            table.domains = before;
            return Err(cause);
        }
        for gone in before.keys().filter(|name| !table.domains.contains_key(*name)) {
            self.0.certificates.drop(gone);
        }
        self.see_to_names(&table);
        if let Some(domain) = &domain {
            self.0.certificates.keep(domain, consent);
        }
        Ok(())
    }

    /// Which name leads to which site.
    pub(super) fn see_to_names(&self, table: &Table) {
        let mut names = BTreeMap::new();
        for (domain, saved) in &table.domains {
            let target = match &saved.project {
                None => Some(self.0.front.clone()),
                Some(project) => table.projects.get(project).map(|site| site.target.clone()),
            };
            if let Some(target) = target {
                names.insert(domain.clone(), target);
            }
        }
        self.0.names.set(names);
    }

    pub(super) fn door(&self, target: server::Target) -> server::Door {
        let Inner { config, quit, connections, .. } = &*self.0;
        let limits = Arc::new(config.limits.clone());
        server::Door { target, limits, quit: quit.clone(), connections: connections.clone(), world: None }
    }

    pub(super) fn to_domain(&self, name: &Domain, saved: &SavedDomain) -> Option<DomainState> {
        let certificate = self.0.certificates.of(name)?;
        Some(DomainState { project: saved.project.clone(), agreed: saved.consent.agreed, certificate })
    }
}
