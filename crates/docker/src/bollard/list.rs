//! `GET /containers/json`: names and ids, and nothing that would have to be understood.

use super::error::malformed;
use crate::{ApiError, ContainerSummary};
use serde::Deserialize;

#[derive(Deserialize)]
struct Row {
    #[serde(rename = "Id")]
    id: String,
    #[serde(rename = "Names")]
    names: Option<Vec<String>>,
}

pub(super) fn parse(text: &str) -> Result<Vec<ContainerSummary>, ApiError> {
    let rows: Vec<Row> = serde_json::from_str(text).map_err(malformed)?;
    let summary = |row: Row| ContainerSummary { id: row.id, names: row.names.unwrap_or_default() };
    Ok(rows.into_iter().map(summary).collect())
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
        for text in ["", "{}", "null", "[1]", "[{}]", r#"[{"Id":1}]"#, r#"[{"Id":"a","Names":1}]"#]
        {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
