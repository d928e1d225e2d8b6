//! Which records of the link store are meant.

use oxrdf::NamedNode;
use weft_links::{LinkId, LinkState, LinkTime};

/// A point in both times. Without, the present.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AsOf {
    /// What the store held at this time.
    pub recorded: Option<LinkTime>,
    /// What is valid at this time.
    pub valid: Option<LinkTime>,
}

/// Which records are meant. Every condition that is there must hold.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LinkFilter {
    pub id: Option<LinkId>,
    /// Records with one of these numbers; any without.
    pub records: Vec<i64>,
    /// One of these is the subject; any without.
    pub subjects: Vec<NamedNode>,
    /// One of these is the object; any without.
    pub objects: Vec<NamedNode>,
    /// One of these is subject or object; any without.
    pub entities: Vec<NamedNode>,
    pub predicate: Option<NamedNode>,
    pub rule: Option<String>,
    pub state: Option<LinkState>,
    pub recorded: Recorded,
    /// Valid at this time.
    pub valid: Option<LinkTime>,
    /// Whether what rules say of a statement is left out where people said something of it.
    pub effective: bool,
}

/// Of when a record is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Recorded {
    /// Not superseded.
    #[default]
    Current,
    /// Recorded and not superseded at this time.
    At(LinkTime),
    Ever,
}

impl LinkFilter {
    /// What is held of links now: of each statement what people say, or else what each rule says.
    pub fn current() -> Self {
        Self { effective: true, ..Self::default() }
    }

    /// What is held of links at a point in both times.
    pub fn at(as_of: &AsOf) -> Self {
        let recorded = as_of.recorded.clone().map_or(Recorded::Current, Recorded::At);
        Self { recorded, valid: as_of.valid.clone(), ..Self::current() }
    }

    /// What rules say even where people said something else.
    pub(super) fn opinions() -> Self {
        Self::default()
    }

    pub(super) fn ever() -> Self {
        Self { recorded: Recorded::Ever, ..Self::default() }
    }

    pub(super) fn confirmed(as_of: &AsOf) -> Self {
        let valid = Some(as_of.valid.clone().unwrap_or_else(LinkTime::now));
        Self { state: Some(LinkState::Confirmed), valid, ..Self::at(as_of) }
    }
}

/// A value of a parameter.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Parameter {
    Text(String),
    Integer(i64),
}

/// The records a statement reads, with numbered parameters as SQLite and PostgreSQL both take them.
pub(super) struct Condition {
    /// What stands before SELECT: nothing, or the records with the keys that are asked for. They are read first, by their
    /// own index, whatever a planner that knows no statistics thinks of the other conditions.
    pub(super) with: String,
    /// What stands after WHERE, on a table called `l`.
    pub(super) text: String,
    /// The name of the table.
    pub(super) table: &'static str,
    pub(super) parameters: Vec<Parameter>,
}

impl Condition {
    pub(super) fn of(filter: &LinkFilter, after: i64) -> Self {
        let mut condition = Self {
            with: String::new(),
            text: "l.id > $1".to_owned(),
            table: "link",
            parameters: vec![Parameter::Integer(after)],
        };
        condition.keyed(filter);
        if let Some(predicate) = &filter.predicate {
            condition.and(&["l.predicate = "], Parameter::Text(predicate.as_str().to_owned()));
        }
        if let Some(rule) = &filter.rule {
            condition.and(&["l.rule = "], Parameter::Text(rule.clone()));
        }
        if let Some(state) = filter.state {
            condition.and(&["l.state = "], Parameter::Text(state.as_str().to_owned()));
        }
        if let Some(valid) = &filter.valid {
            let valid = Parameter::Text(valid.as_str().to_owned());
            let bounds =
                ["(l.valid_from IS NULL OR l.valid_from <= ", ") AND (l.valid_to IS NULL OR l.valid_to > ", ")"];
            condition.and(&bounds, valid);
        }
        condition.recorded(filter);
        condition
    }

    /// Adds a condition with the parameter between its parts.
    fn and(&mut self, parts: &[&str], value: Parameter) {
        self.parameters.push(value);
        let parameter = format!("${}", self.parameters.len());
        self.text.push_str(" AND ");
        match parts {
            [single] => self.text.push_str(&format!("{single}{parameter}")),
            several => self.text.push_str(&several.join(&parameter)),
        }
    }

    fn keyed(&mut self, filter: &LinkFilter) {
        let texts = |nodes: &[NamedNode]| -> Vec<Parameter> {
            nodes.iter().map(|node| Parameter::Text(node.as_str().to_owned())).collect()
        };
        let mut keys = Vec::new();
        if let Some(id) = filter.id {
            keys.push(format!("link_id IN ({})", self.list(vec![Parameter::Integer(id.to_i64())])));
        }
        if !filter.records.is_empty() {
            let records = filter.records.iter().map(|number| Parameter::Integer(*number)).collect();
            keys.push(format!("id IN ({})", self.list(records)));
        }
        for (column, nodes) in [("subject", &filter.subjects), ("object", &filter.objects)] {
            if !nodes.is_empty() {
                keys.push(format!("{column} IN ({})", self.list(texts(nodes))));
            }
        }
        let all = |key: &str| {
            let conditions: Vec<&str> =
                keys.iter().map(String::as_str).chain([key].into_iter().filter(|k| !k.is_empty())).collect();
            format!("SELECT * FROM link WHERE {}", conditions.join(" AND "))
        };
        let rows = match (keys.is_empty(), filter.entities.is_empty()) {
            (true, true) => return,
            (false, true) => all(""),
            (_, false) => {
                let first = self.parameters.len() + 1;
                let count = filter.entities.len();
                let list: Vec<String> = (first..first + count).map(|number| format!("${number}")).collect();
                let list = list.join(", ");
                let either = [format!("subject IN ({list})"), format!("object IN ({list})")].map(|key| all(&key));
                self.parameters.extend(texts(&filter.entities));
                either.join(" UNION ")
            }
        };
        self.with = format!("WITH found AS MATERIALIZED ({rows}) ");
        self.table = "found";
    }

    /// Adds the values, and gives their parameters between commas.
    fn list(&mut self, values: Vec<Parameter>) -> String {
        let first = self.parameters.len() + 1;
        self.parameters.extend(values);
        let list: Vec<String> = (first..=self.parameters.len()).map(|number| format!("${number}")).collect();
        list.join(", ")
    }

    fn recorded(&mut self, filter: &LinkFilter) {
        let held = match &filter.recorded {
            Recorded::Ever => return,
            Recorded::Current => "?.superseded_at IS NULL".to_owned(),
            Recorded::At(time) => {
                self.parameters.push(Parameter::Text(time.as_str().to_owned()));
                let at = self.parameters.len();
                format!("?.recorded_at <= ${at} AND (?.superseded_at IS NULL OR ?.superseded_at > ${at})")
            }
        };
        self.text.push_str(&format!(" AND {}", held.replace('?', "l")));
        if filter.effective {
            self.text.push_str(&format!(
                " AND (l.rule IS NULL OR NOT EXISTS (SELECT 1 FROM link p WHERE p.rule IS NULL AND p.link_id = l.link_id \
                 AND p.subject = l.subject AND p.predicate = l.predicate AND p.object = l.object AND {}))",
                held.replace('?', "p")
            ));
        }
    }
}
