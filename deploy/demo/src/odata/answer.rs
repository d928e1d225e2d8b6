//! Runs a request and writes its answer.

use super::Database;
use super::error::ODataError;
use super::metadata::{metadata, service_document};
use super::options::{Expand, Options};
use super::request::Resource;
use super::schema::{Edm, EntitySet, Property};
use super::sql::{Builder, Statement, selected};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row, params_from_iter};
use serde_json::{Map, Value, json};

pub(super) enum Answer {
    Json(Value),
    Xml(String),
    Text(String),
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let (kind, body) = match self {
            Self::Json(value) => ("application/json;odata.metadata=minimal;IEEE754Compatible=false", value.to_string()),
            Self::Xml(text) => ("application/xml", text),
            Self::Text(text) => ("text/plain;charset=utf-8", text),
        };
        ([(header::CONTENT_TYPE.as_str(), kind), ("OData-Version", "4.0")], body).into_response()
    }
}

pub(super) fn answer(
    connection: &Connection,
    database: &Database,
    root: &str,
    resource: &Resource,
    query: &str,
) -> Result<Answer, ODataError> {
    let schema = &database.schema;
    let parse = |set: usize| Options::parse(schema, &schema.sets[set], query);
    match resource {
        Resource::ServiceDocument => Ok(Answer::Json(service_document(schema, root))),
        Resource::Metadata => Ok(Answer::Xml(metadata(schema))),
        Resource::Count(set) => {
            let options = parse(*set)?;
            count(connection, &Builder::new(schema, &schema.sets[*set]).count(&options))
                .map(|n| Answer::Text(n.to_string()))
        }
        Resource::Set(set) => page(connection, database, root, *set, &parse(*set)?).map(Answer::Json),
        Resource::Entity(set, key) => {
            let options = parse(*set)?;
            let set = &schema.sets[*set];
            if !options.is_for_entity() {
                return Err(ODataError::bad_request("a single entity takes $select and $expand only"));
            }
            let key: Result<Vec<_>, _> =
                set.key.iter().zip(key).map(|(&index, literal)| literal.value_for(&set.properties[index])).collect();
            let statement = Builder::new(schema, set).entity(&options, key?);
            let shape = Shape { database, set, options: &options };
            let mut found = shape.rows(connection, &statement)?.into_iter();
            let mut entity =
                found.next().ok_or_else(|| ODataError::not_found(format!("no {} has this key", set.type_name())))?;
            entity.insert("@odata.context".to_owned(), format!("{root}$metadata#{}/$entity", shape.context()).into());
            Ok(Answer::Json(Value::Object(entity)))
        }
    }
}

fn count(connection: &Connection, statement: &Statement) -> Result<i64, ODataError> {
    let parameters = params_from_iter(&statement.parameters);
    connection.query_row(&statement.text, parameters, |row| row.get(0)).map_err(ODataError::database)
}

fn page(
    connection: &Connection,
    database: &Database,
    root: &str,
    set: usize,
    options: &Options,
) -> Result<Value, ODataError> {
    let set = &database.schema.sets[set];
    let builder = Builder::new(&database.schema, set);
    let wanted = options.top.map_or(u64::MAX, |top| top.saturating_sub(options.sent));
    let size = wanted.min(database.page_size);
    // One row more than the page tells whether there is another page.
    let statement = builder.page(options, size + 1, options.skip.saturating_add(options.sent));
    let shape = Shape { database, set, options };
    let mut rows = shape.rows(connection, &statement)?;
    let more = rows.len() as u64 > size;
    rows.truncate(size as usize);
    let mut body = Map::new();
    body.insert("@odata.context".to_owned(), format!("{root}$metadata#{}", shape.context()).into());
    if options.count {
        body.insert("@odata.count".to_owned(), count(connection, &builder.count(options))?.into());
    }
    body.insert("value".to_owned(), rows.into_iter().map(Value::Object).collect());
    if more && size < wanted {
        let joint = if options.repeat.is_empty() { "" } else { "&" };
        let token = options.sent + size;
        let link = format!("{root}{}?{}{joint}$skiptoken={token}", set.name, options.repeat);
        body.insert("@odata.nextLink".to_owned(), link.into());
    }
    Ok(Value::Object(body))
}

/// How a row of the statement becomes an entity.
struct Shape<'a> {
    database: &'a Database,
    set: &'a EntitySet,
    options: &'a Options,
}

impl Shape<'_> {
    /// The context fragment: the set and, where the answer shows less or more than the type, what it shows.
    fn context(&self) -> String {
        let mut shown: Vec<String> =
            self.options.select.iter().flatten().map(|&p| self.set.properties[p].name.clone()).collect();
        for expand in &self.options.expand {
            let names: Vec<&str> =
                expand.properties.iter().map(|&p| self.target(expand).properties[p].name.as_str()).collect();
            shown.push(format!("{}({})", self.set.navigation[expand.navigation].name, names.join(",")));
        }
        if shown.is_empty() { self.set.name.clone() } else { format!("{}({})", self.set.name, shown.join(",")) }
    }

    fn target(&self, expand: &Expand) -> &EntitySet {
        &self.database.schema.sets[self.set.navigation[expand.navigation].target]
    }

    fn rows(&self, connection: &Connection, statement: &Statement) -> Result<Vec<Map<String, Value>>, ODataError> {
        let mut prepared = connection.prepare(&statement.text).map_err(ODataError::database)?;
        let mut rows = prepared.query(params_from_iter(&statement.parameters)).map_err(ODataError::database)?;
        let mut entities = Vec::new();
        while let Some(row) = rows.next().map_err(ODataError::database)? {
            entities.push(self.entity(row)?);
        }
        Ok(entities)
    }

    fn entity(&self, row: &Row<'_>) -> Result<Map<String, Value>, ODataError> {
        let mut position = 0;
        let mut read = |property: &Property| {
            let value =
                row.get_ref(position).map_err(ODataError::database).and_then(|value| json_value(property, value));
            position += 1;
            value
        };
        let mut entity = Map::new();
        for property in selected(self.options, self.set).into_iter().map(|index| &self.set.properties[index]) {
            entity.insert(property.name.clone(), read(property)?);
        }
        for expand in &self.options.expand {
            let target = self.target(expand);
            let mut present = true;
            for &key in &target.key {
                present &= !read(&target.properties[key])?.is_null();
            }
            let mut related = Map::new();
            for property in expand.properties.iter().map(|&index| &target.properties[index]) {
                related.insert(property.name.clone(), read(property)?);
            }
            let value = if present { Value::Object(related) } else { Value::Null };
            entity.insert(self.set.navigation[expand.navigation].name.clone(), value);
        }
        Ok(entity)
    }
}

fn json_value(property: &Property, value: ValueRef<'_>) -> Result<Value, ODataError> {
    let numeric = matches!(property.edm, Edm::Int32 | Edm::Int64 | Edm::Double | Edm::Decimal { .. });
    match value {
        ValueRef::Null => Ok(Value::Null),
        ValueRef::Integer(integer) if numeric => Ok(json!(integer)),
        ValueRef::Real(real) if matches!(property.edm, Edm::Double | Edm::Decimal { .. }) => Ok(json!(real)),
        ValueRef::Text(text) if !numeric => {
            let text = std::str::from_utf8(text);
            text.map(Value::from).map_err(|_| ODataError::internal(format!("property {} is not UTF-8", property.name)))
        }
        other => {
            let message = format!(
                "property {} is {}, its stored value is {}",
                property.name,
                property.edm.name(),
                other.data_type()
            );
            Err(ODataError::internal(message))
        }
    }
}
