//! Where in the app one is: the part of the address after `#/`.

/// The views, in the order of the navigation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View {
    Home,
    Deployments,
    Steps,
    Memory,
    Agents,
    Bridges,
    Instructions,
    Doctor,
    /// The workspaces that the desktop's window can open.
    #[cfg(feature = "desktop")]
    Servers,
}

impl View {
    pub const ALL: [View; 8 + cfg!(feature = "desktop") as usize] = [
        View::Home,
        View::Deployments,
        View::Steps,
        View::Memory,
        View::Agents,
        View::Bridges,
        View::Instructions,
        View::Doctor,
        #[cfg(feature = "desktop")]
        View::Servers,
    ];

    /// Its name in the address and in test ids.
    pub fn slug(self) -> &'static str {
        match self {
            Self::Home => "home",
            Self::Deployments => "deployments",
            Self::Steps => "steps",
            Self::Memory => "memory",
            Self::Agents => "agents",
            Self::Bridges => "bridges",
            Self::Instructions => "instructions",
            Self::Doctor => "doctor",
            #[cfg(feature = "desktop")]
            Self::Servers => "servers",
        }
    }
    pub fn title(self) -> &'static str {
        match self {
            Self::Home => "Home",
            Self::Deployments => "Deployments",
            Self::Steps => "Steps",
            Self::Memory => "Memory",
            Self::Agents => "Agents",
            Self::Bridges => "Bridges",
            Self::Instructions => "Instructions",
            Self::Doctor => "Doctor",
            #[cfg(feature = "desktop")]
            Self::Servers => "Servers",
        }
    }
    /// The key after `g`.
    pub fn key(self) -> char {
        match self {
            Self::Home => 'h',
            Self::Deployments => 'd',
            Self::Steps => 's',
            Self::Memory => 'm',
            Self::Agents => 'a',
            Self::Bridges => 'b',
            Self::Instructions => 'i',
            Self::Doctor => 'o',
            #[cfg(feature = "desktop")]
            Self::Servers => 'v',
        }
    }
}

/// A view and what is open in it: a deployment, a note, a request, a file, an agent to sign in, a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    pub view: View,
    pub open: Option<String>,
}

impl Route {
    pub fn to(view: View) -> Self {
        Self { view, open: None }
    }
    pub fn open(view: View, what: impl Into<String>) -> Self {
        Self { view, open: Some(what.into()) }
    }

    /// Reads `#/deployments/d-1`; what is unknown is Home.
    pub fn parse(hash: &str) -> Self {
        let path = hash.trim_start_matches('#').trim_start_matches('/');
        let (first, rest) = path.split_once('/').unwrap_or((path, ""));
        match View::ALL.into_iter().find(|v| v.slug() == first) {
            Some(view) => Self { view, open: Some(rest.to_owned()).filter(|r| !r.is_empty()) },
            None => Self::to(View::Home),
        }
    }

    /// Where one is once what is open is closed: from an entity one comes back to the graph, from all else to the view.
    pub fn closed(&self) -> Self {
        // A half-filled form is not thrown away by a key.
        #[cfg(feature = "desktop")]
        if self.view == View::Servers {
            return self.clone();
        }
        let graph = self.open.as_deref().is_some_and(|open| open.starts_with("graph"));
        if self.view == View::Memory && graph { Self::open(self.view, "graph") } else { Self::to(self.view) }
    }

    pub fn hash(&self) -> String {
        match &self.open {
            Some(open) => format!("#/{}/{open}", self.view.slug()),
            None => format!("#/{}", self.view.slug()),
        }
    }
}

/// The one-time key of a sign-in link, if the address carries one.
pub fn sign_in_key(hash: &str) -> Option<&str> {
    hash.trim_start_matches('#').strip_prefix("key=").filter(|key| !key.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_view_is_found_again_by_its_address() {
        for view in View::ALL {
            assert_eq!(Route::parse(&Route::to(view).hash()), Route::to(view));
            let deep = Route::open(view, "a/b.md");
            assert_eq!(Route::parse(&deep.hash()), deep);
        }
    }

    #[test]
    fn what_is_closed_is_left_step_by_step() {
        let closed = |hash: &str| Route::parse(hash).closed().hash();
        assert_eq!(closed("#/memory/graph/app/x.tsx"), "#/memory/graph");
        assert_eq!(closed("#/memory/graph"), "#/memory/graph");
        assert_eq!(closed("#/memory/n-1"), "#/memory");
        assert_eq!(closed("#/instructions/a/b.md"), "#/instructions");
        #[cfg(feature = "desktop")]
        assert_eq!(closed("#/servers/new"), "#/servers/new");
    }

    #[test]
    fn an_unknown_address_is_home() {
        for hash in ["", "#", "#/", "#/nowhere", "#key=abc"] {
            assert_eq!(Route::parse(hash), Route::to(View::Home), "{hash}");
        }
    }

    #[test]
    fn keys_differ_and_the_sign_in_key_is_read() {
        let mut keys: Vec<char> = View::ALL.iter().map(|v| v.key()).collect();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), View::ALL.len());
        assert_eq!(sign_in_key("#key=abc"), Some("abc"));
        assert_eq!(sign_in_key("#/home"), None);
        assert_eq!(sign_in_key("#key="), None);
    }
}
