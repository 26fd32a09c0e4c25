//! A list of records as a table: their names once, what is the same in all of them once, then a line each.

use serde_json::{Map, Value, json};

/// What is written: `fields` of a record in their order, what is the same in all in `all`, and the rest as `rows`.
/// A record that lacks a field has nothing (`null`) there.
pub(super) fn pack(records: &[Value]) -> Result<String, serde_json::Error> {
    let of = |record: &Value, field: &str| record.get(field).cloned().unwrap_or(Value::Null);
    let mut fields: Vec<&String> = Vec::new();
    for field in records.iter().filter_map(Value::as_object).flat_map(Map::keys) {
        if !fields.contains(&field) {
            fields.push(field);
        }
    }
    let Some(first) = records.first() else { return Ok("[]\n".to_owned()) };
    let same =
        |field: &str| records.len() > 1 && records.iter().all(|record| of(record, field) == of(first, field));
    let (all, fields): (Vec<_>, Vec<_>) = fields.into_iter().partition(|field| same(field));
    let all: Map<String, Value> = all.into_iter().map(|field| (field.clone(), of(first, field))).collect();
    let row = |record: &Value| {
        let values: Vec<Value> = fields.iter().map(|field| of(record, field)).collect();
        serde_json::to_string(&values)
    };
    let rows = records.iter().map(row).collect::<Result<Vec<_>, _>>()?.join(",\n");
    Ok(format!("{{\n\"all\": {},\n\"fields\": {},\n\"rows\": [\n{rows}\n]\n}}\n", json!(all), json!(fields)))
}

/// The records of a table; a list of records stays what it is.
pub(super) fn unpack(value: Value) -> Value {
    let Value::Object(mut table) = value else { return value };
    let (Some(Value::Object(all)), Some(Value::Array(fields)), Some(Value::Array(rows))) =
        (table.remove("all"), table.remove("fields"), table.remove("rows"))
    else {
        return Value::Object(table);
    };
    let record = |row: Value| {
        let Value::Array(values) = row else { return row };
        let own = fields.iter().zip(values).filter(|(_, value)| !value.is_null());
        let own = own.filter_map(|(field, value)| Some((field.as_str()?.to_owned(), value)));
        Value::Object(all.clone().into_iter().chain(own).collect())
    };
    Value::Array(rows.into_iter().map(record).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_the_same_after_a_table() {
        for records in [
            json!([]),
            json!([{"a": 1, "b": "x"}]),
            json!([{"a": 1, "b": "x", "c": [1.5]}, {"a": 2, "b": "x"}, {"a": 3, "b": "x", "d": true}]),
        ] {
            let text = pack(records.as_array().unwrap()).unwrap();
            assert_eq!(unpack(serde_json::from_str(&text).unwrap()), records, "{text}");
        }
        let text = pack(&[json!({"a": 1, "b": "x"}), json!({"a": 2, "b": "x"})]).unwrap();
        assert_eq!(text, "{\n\"all\": {\"b\":\"x\"},\n\"fields\": [\"a\"],\n\"rows\": [\n[1],\n[2]\n]\n}\n");
        // Of another shape: what is wrong with it is told by who reads it.
        assert_eq!(unpack(json!({"a": 1})), json!({"a": 1}));
    }
}
