//! Parameters of a request's query, read as the Engine reads them.

use sim::environment::daemon::{Filters, Refusal, stamp};
use std::time::Duration;

/// The parameters, in their order.
#[derive(Clone, Debug, Default)]
pub struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// From a query, without its `?`.
    pub fn parse(query: &str) -> Self {
        Parameters(form_urlencoded::parse(query.as_bytes()).into_owned().collect())
    }

    /// The first value of this name, empty if there is none.
    pub fn text(&self, name: &str) -> &str {
        self.given(name).unwrap_or_default()
    }

    /// The first value of this name.
    pub fn given(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Anything is true but what says no.
    pub fn flag(&self, name: &str) -> bool {
        let value = self.text(name).trim().to_ascii_lowercase();
        !matches!(value.as_str(), "" | "0" | "no" | "false" | "none")
    }

    /// The same with a value where there is none.
    pub fn flag_or(&self, name: &str, without: bool) -> bool {
        if self.given(name).is_some() { self.flag(name) } else { without }
    }

    /// A whole number, if given.
    ///
    /// # Errors
    ///
    /// The Engine's refusal of what is none.
    pub fn number(&self, name: &str) -> Result<Option<i64>, Refusal> {
        match self.text(name) {
            "" => Ok(None),
            text => text.parse().map(Some).map_err(|_| not_a_number(500, text)),
        }
    }

    /// A point in time since the epoch, if given.
    ///
    /// # Errors
    ///
    /// The Engine's refusal of what is none.
    pub fn time(&self, name: &str, status: u16) -> Result<Option<Duration>, Refusal> {
        stamp::parse(self.text(name)).map_err(|error| Refusal::new(status, error))
    }

    /// The filters.
    ///
    /// # Errors
    ///
    /// The Engine's refusal of what are none.
    pub fn filters(&self) -> Result<Filters, Refusal> {
        Filters::parse(self.text("filters"))
    }
}

/// What Go says of a text that is no number.
pub fn not_a_number(status: u16, text: &str) -> Refusal {
    let why = if text.bytes().all(|byte| byte.is_ascii_digit()) && !text.is_empty() {
        "value out of range"
    } else {
        "invalid syntax"
    };
    Refusal::new(status, format!("strconv.Atoi: parsing {text:?}: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_read_as_every_client_writes_them() {
        let query = Parameters::parse("a=1&b=true&c=True&d=0&e=false&f=False&g=&h=none&i=yes");
        for name in ["a", "b", "c", "i"] {
            assert!(query.flag(name), "{name}");
        }
        for name in ["d", "e", "f", "g", "h", "missing"] {
            assert!(!query.flag(name), "{name}");
        }
        assert!(query.flag_or("missing", true) && !query.flag_or("d", true));
    }

    #[test]
    fn values_are_decoded() {
        let query = Parameters::parse("x=a%2Fb+c&x=second&n=-1&bad=x&huge=99999999999999999999");
        assert_eq!(query.text("x"), "a/b c");
        assert_eq!(query.number("n").ok(), Some(Some(-1)));
        assert_eq!(query.number("missing").ok(), Some(None));
        let refusal = query.number("bad").unwrap_err();
        assert_eq!(
            (refusal.status, &*refusal.message),
            (500, "strconv.Atoi: parsing \"x\": invalid syntax")
        );
        assert!(query.number("huge").unwrap_err().message.ends_with("value out of range"));
        assert!(query.time("bad", 500).is_err() && query.time("missing", 500) == Ok(None));
    }
}
