//! One certificate: account, order, proof over HTTP, key, chain. Each step is on the disk before the next one, so that an
//! order which was cut goes on where it was.

use super::authority::{Line, unreachable};
use super::schedule::{OpenOrder, Record};
use super::store::Store;
use super::trouble::{Failure, Kind, Trouble, away, of_problem};
use super::{Authority, Consent, Domain, Token, Tokens, on_disk};
use instant_acme::{
    Account, AccountCredentials, AuthorizationStatus, ChallengeStatus, ChallengeType, Error, Identifier,
    NewAccount, NewOrder, Order, OrderStatus, RetryPolicy,
};
use rcgen::{CertificateParams, DistinguishedName, KeyPair};
use std::io;
use std::time::Duration;

/// How long the authority may take over its look, and over the signature.
const LOOK: RetryPolicy = RetryPolicy::new()
    .initial_delay(Duration::from_millis(250))
    .backoff(1.5)
    .timeout(Duration::from_secs(90));

/// What an order is made for, and with.
pub(super) struct Job<'a> {
    pub domain: &'a Domain,
    pub consent: &'a Consent,
    pub authority: &'a Authority,
    pub store: &'a Store,
    pub tokens: &'a Tokens,
}

/// Key and chain in PEM, on the disk when it returns.
pub(super) async fn obtain(job: &Job<'_>, record: &mut Record) -> Result<String, Failure> {
    let line = Line::to(job.authority).await?;
    let mut got = attempt(job, record, &line).await;
    if matches!(&got, Err(failure) if failure.account_gone) {
        // An authority that was set up anew: so are we.
        tracing::info!(domain = %job.domain, "the authority does not know our account; another one is made");
        let (store, directory) = (job.store.clone(), job.authority.directory.clone());
        on_disk(move || store.forget_account(&directory)).await.map_err(machine)?;
        remember(job, record, None).await?;
        got = attempt(job, record, &line).await;
    }
    got.map_err(|failure| Failure { not_before: failure.not_before.or(line.not_before()), ..failure })
}

async fn attempt(job: &Job<'_>, record: &mut Record, line: &Line) -> Result<String, Failure> {
    let account = account(job, line).await?;
    let (mut order, key) = order(job, record, &account).await?;
    let done = match go_on(job, &mut order, &key).await {
        Ok(chain) => {
            let pem = format!("{key}{chain}");
            let (store, domain, text) = (job.store.clone(), job.domain.clone(), pem.clone());
            on_disk(move || store.save_certificate(&domain, &text)).await.map_err(machine).map(|()| pem)
        }
        Err(failure) => Err(failure),
    };
    // A refused order is at its end; one that was not heard of may still come to a good one.
    let over = match &done {
        Ok(_) => true,
        Err(failure) => failure.account_gone || failure.trouble.kind == Kind::Refused,
    };
    if over {
        remember(job, record, None).await?;
    }
    done
}

async fn account(job: &Job<'_>, line: &Line) -> Result<Account, Failure> {
    let (store, directory) = (job.store.clone(), job.authority.directory.clone());
    let known = on_disk(move || store.account::<AccountCredentials>(&directory)).await.map_err(machine)?;
    let builder = Account::builder_with_http(Box::new(line.clone()));
    let said = |error| said(job.domain, error);
    if let Some(known) = known {
        return builder.from_credentials(known).await.map_err(said);
    }
    let contact = job.consent.contact.as_ref().map(|mail| format!("mailto:{mail}"));
    let contact: Vec<&str> = contact.iter().map(String::as_str).collect();
    let wanted = NewAccount {
        contact: &contact,
        terms_of_service_agreed: job.consent.agreed,
        only_return_existing: false,
    };
    let (account, credentials) =
        builder.create(&wanted, job.authority.directory.clone(), None).await.map_err(said)?;
    let (store, directory) = (job.store.clone(), job.authority.directory.clone());
    on_disk(move || store.save_account(&directory, &credentials)).await.map_err(machine)?;
    Ok(account)
}

/// The order that was cut, if the authority still has it, else a new one; and the key in PEM.
async fn order(job: &Job<'_>, record: &mut Record, account: &Account) -> Result<(Order, String), Failure> {
    if let Some(open) = record.order.clone().filter(|open| open.directory == job.authority.directory) {
        match account.order(open.url).await {
            Ok(mut order) => {
                if order.state().status != OrderStatus::Invalid {
                    tracing::info!(domain = %job.domain, "an order for a certificate that was cut goes on");
                    return Ok((order, open.key));
                }
            }
            Err(error) => {
                let failure = said(job.domain, error);
                if failure.trouble.kind != Kind::Refused || failure.account_gone {
                    return Err(failure);
                }
            }
        }
    }
    let names = [Identifier::Dns(job.domain.as_str().to_owned())];
    let order = account.new_order(&NewOrder::new(&names)).await.map_err(|error| said(job.domain, error))?;
    let key =
        KeyPair::generate().map_err(|cause| Trouble::machine(format!("no key can be made: {cause}")))?;
    let key = key.serialize_pem();
    let open = OpenOrder {
        directory: job.authority.directory.clone(),
        url: order.url().to_owned(),
        key: key.clone(),
    };
    remember(job, record, Some(open)).await?;
    Ok((order, key))
}

async fn go_on(job: &Job<'_>, order: &mut Order, key: &str) -> Result<String, Failure> {
    let said = |error| said(job.domain, error);
    if order.state().status == OrderStatus::Pending {
        let _answered = prove(job, order).await?;
        match order.poll_ready(&LOOK).await {
            Ok(OrderStatus::Invalid) | Err(Error::Api(_)) => return Err(why_invalid(job, order).await),
            Ok(_) => {}
            Err(error) => return Err(said(error)),
        }
    }
    if order.state().status == OrderStatus::Ready {
        order.finalize_csr(&request(job.domain, key)?).await.map_err(said)?;
    }
    match order.poll_certificate(&LOOK).await {
        Ok(chain) => Ok(chain),
        Err(error) => Err(said(error)),
    }
}

/// Lets the authority look, and answers it for as long as what is returned lives.
async fn prove(job: &Job<'_>, order: &mut Order) -> Result<Vec<Token>, Failure> {
    let said = |error| said(job.domain, error);
    let mut answered = Vec::new();
    let mut wanted = order.authorizations();
    while let Some(next) = wanted.next().await {
        let mut next = next.map_err(said)?;
        if next.status != AuthorizationStatus::Pending {
            continue;
        }
        let no_way =
            || Trouble::new(Kind::Refused, "the authority does not look over HTTP", "use another authority");
        let mut challenge = next.challenge(ChallengeType::Http01).ok_or_else(no_way)?;
        answered.push(job.tokens.put(&challenge.token, challenge.key_authorization().as_str()));
        if challenge.status == ChallengeStatus::Pending {
            challenge.set_ready().await.map_err(said)?;
        }
    }
    Ok(answered)
}

/// The order itself often says nothing; what the authority met when it looked does.
async fn why_invalid(job: &Job<'_>, order: &mut Order) -> Failure {
    let own = order.state().error.clone();
    let mut looked = order.authorizations();
    while let Some(Ok(mut next)) = looked.next().await {
        let Ok(state) = next.refresh().await else { break };
        if let Some(problem) = state.challenges.iter().find_map(|challenge| challenge.error.as_ref()) {
            return of_problem(problem, job.domain);
        }
    }
    match own {
        Some(problem) => of_problem(&problem, job.domain),
        None => Trouble::new(
            Kind::Refused,
            "the authority refused the order and gave no reason",
            "nothing: it is tried again by itself",
        )
        .into(),
    }
}

fn request(domain: &Domain, key: &str) -> Result<Vec<u8>, Failure> {
    let made = || {
        let key = KeyPair::from_pem(key)?;
        let mut params = CertificateParams::new(vec![domain.as_str().to_owned()])?;
        params.distinguished_name = DistinguishedName::new();
        Ok(params.serialize_request(&key)?.der().to_vec())
    };
    made().map_err(|cause: rcgen::Error| {
        Trouble::machine(format!("the request cannot be made: {cause}")).into()
    })
}

async fn remember(job: &Job<'_>, record: &mut Record, order: Option<OpenOrder>) -> Result<(), Failure> {
    record.order = order;
    let (store, domain, record) = (job.store.clone(), job.domain.clone(), record.clone());
    on_disk(move || store.save_record(&domain, &record)).await.map_err(machine)
}

fn machine(cause: io::Error) -> Failure {
    Trouble::machine(format!("what belongs to the certificate cannot be kept: {cause}")).into()
}

fn said(domain: &Domain, error: Error) -> Failure {
    match error {
        Error::Api(problem) => of_problem(&problem, domain),
        Error::Timeout(_) => away("it has not made up its mind yet").into(),
        error => unreachable(&error).into(),
    }
}
