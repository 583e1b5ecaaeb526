//! `GET /containers/json`: names and ids, and nothing that would have to be understood.

use super::error::malformed;
use crate::{ApiError, ContainerSummary, json};

pub(super) fn parse(text: &str) -> Result<Vec<ContainerSummary>, ApiError> {
    let value = json::parse(text).map_err(malformed)?;
    let rows = value.as_array().ok_or_else(|| malformed("a list of containers that is none"))?;
    let row = |row| {
        let (id, names) = (json::string(row, &["Id"])?, json::strings(row, &["Names"])?);
        Ok(ContainerSummary { id, names })
    };
    rows.iter().map(row).collect::<Result<_, json::ParseError>>().map_err(malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_need_an_id_only() {
        let text = r#"[{"Id":"a","Names":["/x","/y/x"],"State":"frozen"},{"Id":"b","Names":null}]"#;
        let rows = parse(text).unwrap();
        assert_eq!((&*rows[0].id, &rows[0].names[..]), ("a", &["/x".into(), "/y/x".into()][..]));
        assert_eq!((&*rows[1].id, rows[1].names.len()), ("b", 0));
        for text in [
            "",
            "{}",
            "null",
            "[1]",
            "[[\"a\",[]]]",
            "[{}]",
            r#"[{"Id":1}]"#,
            r#"[{"Id":"a","Names":1}]"#,
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
