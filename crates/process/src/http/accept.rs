//! What a client takes: the fields `Accept` and `Accept-Encoding`.

/// `true` when one of the comma-separated items, without its parameters, is one of `candidates`,
/// and not refused by a quality of 0. The first candidate that is listed decides.
fn accepts(field: &str, candidates: &[&str]) -> bool {
    let compact: String = field.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    for candidate in candidates {
        for item in compact.split(',') {
            let mut parts = item.split(';').filter(|part| !part.is_empty());
            if parts.next().is_some_and(|name| name.eq_ignore_ascii_case(candidate)) {
                return !parts.any(is_zero_quality);
            }
        }
    }
    false
}

/// Whether a parameter is `q=0`, `q=0.0`, …; malformed qualities count as none.
fn is_zero_quality(parameter: &str) -> bool {
    let value = parameter.strip_prefix("q=").or_else(|| parameter.strip_prefix("Q="));
    value.and_then(|value| value.parse::<f64>().ok()).is_some_and(|quality| quality == 0.0)
}

pub(super) fn encoding(field: Option<&str>, encoding: &str) -> bool {
    field.is_some_and(|field| accepts(field, &[encoding, "*"]))
}

pub(super) fn media_type(field: Option<&str>, media_type: &str) -> bool {
    let Some((kind, _)) = media_type.split_once('/') else { return false };
    field.is_none_or(|field| accepts(field, &[media_type, &format!("{kind}/*"), "*/*"]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings() {
        for (field, expected) in [
            (None, false),
            (Some(""), false),
            (Some("gzip"), true),
            (Some("deflate, GZip;q=0.5"), true),
            (Some("gzip;q=0.0, *"), false),
            (Some("gzip; q = 0"), false),
            (Some("*"), true),
            (Some("*;q=0"), false),
            (Some("gzip;q=nonsense"), true),
            (Some("deflate"), false),
        ] {
            assert_eq!(encoding(field, "gzip"), expected, "{field:?}");
        }
    }

    #[test]
    fn media_types() {
        for (field, expected) in [
            (None, true),
            (Some("text/*"), true),
            (Some("text/*;q=0"), false),
            (Some("application/json, */*"), true),
            (Some("application/json"), false),
            (Some("text/html;q=0.0,text/*"), false),
        ] {
            assert_eq!(media_type(field, "text/html"), expected, "{field:?}");
        }
        assert!(!media_type(None, "nonsense"));
    }
}
