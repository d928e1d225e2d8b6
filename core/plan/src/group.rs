//! Source groups: the accesses of a branch that one source evaluates in one request.
//!
//! Accesses of one source that share a variable become one join in the source, where it can join; every other access is
//! a request of its own, and the broker joins them on the variables they share.

mod decompose;
mod expected;

pub(crate) use decompose::decompose;

use crate::branch::{Branch, Occurrence};
use crate::catalogue::Catalogue;
use crate::constant::is_native;
use crate::{
    Basis, Binding, KeyCodes, KeyPlace, KeySlot, Node, NodeKind, Observed, Scan, ScanOutput, Shape, SlotColumn,
    SourceObserved,
};
use decompose::{ColumnAt, joined_on, table_of};
use hashbrown::HashSet;
use oxrdf::{Term, Variable};
use spargebra::algebra::Expression as Sparql;
use std::sync::{Arc, OnceLock};
use weft_mapping::{Build, InvalidValues, MappedTerm};
use weft_model::contract::{
    Binding as ColumnBinding, ColumnRef, DataType, Expression, Field, JoinKind, ProjectColumn, Read, Relation, Table,
};
use weft_model::term::TermType;

/// A branch as groups and the conditions that are left to the broker.
pub(crate) struct Decomposition {
    pub(crate) groups: Vec<Group>,
    pub(crate) filters: Vec<Sparql>,
    /// Whether a condition leaves nothing.
    pub(crate) is_impossible: bool,
}

/// Accesses of one source that are one request.
pub(crate) struct Group {
    source: Arc<str>,
    /// Positions in the branch, in join order.
    accesses: Vec<usize>,
    /// What each is joined on with those before it.
    joined: Vec<Vec<(ColumnAt, ColumnAt)>>,
    branch: Arc<Branch>,
    /// Each variable of the group and the occurrence it is read from.
    pub(crate) outputs: Vec<Occurrence>,
    /// Variables that must be read even if nobody asks, because null rows could not be left to the source.
    forced: HashSet<Variable>,
    constants: Vec<(Variable, Term)>,
    not_pushed: Vec<String>,
    /// What earlier scans of the source showed.
    observed: Option<Arc<SourceObserved>>,
    /// Made when it is first looked up there.
    shape: OnceLock<Shape>,
    /// The rows that are worked out from counts, and what those are.
    computed: OnceLock<(f64, Basis)>,
}

/// What is known of the rows a group will be joined with.
pub(crate) struct Outer<'a> {
    pub(crate) bindings: &'a [Binding],
    pub(crate) rows: f64,
}

impl Outer<'_> {
    /// What is known of these variables only.
    pub(crate) fn of(&self, variables: &[Variable]) -> Vec<Binding> {
        self.bindings.iter().filter(|binding| variables.contains(&binding.variable)).cloned().collect()
    }
}

impl Group {
    fn new(
        catalogue: &Catalogue,
        observed: &Observed,
        branch: Arc<Branch>,
        accesses: Vec<usize>,
        forced: &HashSet<Variable>,
    ) -> Self {
        let mut outputs: Vec<Occurrence> = Vec::new();
        for occurrence in &branch.occurrences {
            if !occurrence.access.is_some_and(|access| accesses.contains(&access)) {
                continue;
            }
            match outputs.iter_mut().find(|o| o.variable == occurrence.variable) {
                None => outputs.push(occurrence.clone()),
                Some(known) if known.optional && !occurrence.optional => *known = occurrence.clone(),
                Some(_) => {}
            }
        }
        let source = catalogue.source(branch.accesses[accesses[0]].graph);
        let forced = forced.iter().filter(|v| outputs.iter().any(|o| o.variable == **v)).cloned().collect();
        let observed = observed.sources.get(&source).cloned();
        let on = |(number, position): (usize, &usize)| joined_on(catalogue, &branch, &accesses[..number], *position);
        let joined = accesses.iter().enumerate().map(on).collect();
        Self {
            source,
            accesses,
            joined,
            branch,
            outputs,
            forced,
            constants: Vec::new(),
            not_pushed: Vec::new(),
            observed,
            shape: OnceLock::new(),
            computed: OnceLock::new(),
        }
    }

    pub(crate) fn variables(&self) -> impl Iterator<Item = &Variable> {
        self.outputs.iter().map(|o| &o.variable).chain(self.constants.iter().map(|(variable, _)| variable))
    }

    /// Whether a table of the group must be given keys before it answers.
    pub(crate) fn missing_bindings(&self, catalogue: &Catalogue, slot: Option<&KeySlot>) -> Option<String> {
        self.accesses.iter().enumerate().find_map(|(number, position)| {
            let access = &self.branch.accesses[*position];
            let table = table_of(catalogue, &self.branch, *position)?;
            let alias = self.alias(number);
            let required = table.columns.iter().filter(|column| column.binding == ColumnBinding::Required);
            let unbound = required.into_iter().find(|column| {
                let constant = access.conditions.iter().any(|c| binds_column(c, &column.name));
                let keyed = slot.is_some_and(|slot| {
                    slot.is_read(&alias) && slot.columns.iter().any(|c| c.columns.contains(&column.name))
                });
                !constant && !keyed
            })?;
            Some(format!("source {}: table {} needs a value for column {}", self.source, table.name, unbound.name))
        })
    }

    fn alias(&self, number: usize) -> String {
        if self.accesses.len() == 1 { String::new() } else { format!("t{number}") }
    }

    /// The read that can take the keys of `outer`, at most so many at once.
    pub(crate) fn slot(&self, catalogue: &Catalogue, outer: &Outer<'_>, most: usize) -> Option<KeySlot> {
        let mut best: Option<KeySlot> = None;
        for (number, position) in self.accesses.iter().enumerate() {
            let Some(table) = table_of(catalogue, &self.branch, *position) else { continue };
            if table.max_keys == 0 {
                continue;
            }
            let columns = self.slot_columns(table, *position, outer);
            if columns.is_empty() {
                continue;
            }
            let block = usize::try_from(table.max_keys).unwrap_or(usize::MAX).min(most);
            if best.as_ref().is_none_or(|known| known.columns.len() < columns.len()) {
                let graph = catalogue.graph(self.branch.accesses[*position].graph);
                let parallel = usize::try_from(graph.description.relational.max_concurrency).unwrap_or(usize::MAX);
                best = Some(KeySlot { place: KeyPlace::Read(self.alias(number)), columns, block, parallel });
            }
        }
        best
    }

    fn slot_columns(&self, table: &Table, position: usize, outer: &Outer<'_>) -> Vec<SlotColumn> {
        let mut taken: Vec<&String> = Vec::new();
        let mut columns = Vec::new();
        for occurrence in self.branch.occurrences.iter().filter(|o| o.access == Some(position) && !o.optional) {
            let bound = outer.bindings.iter().any(|b| b.variable == occurrence.variable && !b.optional);
            let simple = occurrence.term.build.is_invertible();
            let names = &occurrence.term.columns;
            if !bound || !simple || names.is_empty() || names.iter().any(|name| taken.contains(&name)) {
                continue;
            }
            let distinct_names = names.iter().collect::<HashSet<_>>().len() == names.len();
            let codes = key_codes(table, &occurrence.term);
            let usable = names.iter().zip(occurrence.term.term_type.columns()).all(|(name, arrow)| {
                table.column(name).is_some_and(|c| {
                    (codes.is_some() || is_native(c, &arrow))
                        && !matches!(arrow, arrow_schema::DataType::Decimal128(..) | arrow_schema::DataType::Float64)
                        && c.binding != ColumnBinding::None
                })
            });
            if usable && distinct_names {
                taken.extend(names);
                columns.push(SlotColumn {
                    variable: occurrence.variable.clone(),
                    term_type: occurrence.term.term_type.clone(),
                    columns: names.clone(),
                    labels: occurrence.term.build.labels().cloned(),
                    codes,
                });
            }
        }
        columns
    }

    /// The scan of the group, reading what is needed.
    pub(crate) fn scan(&self, catalogue: &Catalogue, needed: &HashSet<Variable>, slot: Option<KeySlot>) -> Node {
        let wanted: Vec<&Occurrence> =
            self.outputs.iter().filter(|o| needed.contains(&o.variable) || self.forced.contains(&o.variable)).collect();
        let mut relation: Option<Relation> = None;
        for (number, position) in self.accesses.iter().enumerate() {
            let read = Relation::Read(self.read(catalogue, number, *position, &wanted, slot.as_ref()));
            relation = Some(match relation {
                None => read,
                Some(left) => Relation::Join {
                    left: Box::new(left),
                    right: Box::new(read),
                    kind: JoinKind::Inner,
                    on: self.join_columns(number),
                },
            });
        }
        let relation = relation.map(|relation| self.project(catalogue, relation, &wanted));
        let Some(relation) = relation else { return Node::empty(Vec::new()) };
        let graph = self.branch.accesses[self.accesses[0]].graph;
        let mut node = self.node(relation, &wanted, needed, slot);
        if let NodeKind::Scan(scan) = &mut node.kind {
            let scan = Arc::make_mut(scan);
            scan.invalid_values = catalogue.graph(graph).invalid_values;
            scan.basis = self.basis(catalogue, scan.slot.as_ref());
        }
        node
    }

    fn node(
        &self,
        relation: Relation,
        wanted: &[&Occurrence],
        needed: &HashSet<Variable>,
        slot: Option<KeySlot>,
    ) -> Node {
        let fields = output_columns(&relation);
        let mut outputs = Vec::new();
        let mut bindings = Vec::new();
        for occurrence in wanted {
            let inputs = occurrence
                .term
                .columns
                .iter()
                .filter_map(|name| {
                    let column = self.column_ref(occurrence, name);
                    // A column may have the name that another one is projected under.
                    fields.iter().position(|field| *field == column).or_else(|| {
                        let projected = ColumnRef::bare(projected_name(&column));
                        fields.iter().position(|field| *field == projected)
                    })
                })
                .collect();
            bindings.push(Binding {
                variable: occurrence.variable.clone(),
                term_type: occurrence.term.term_type.clone(),
                optional: occurrence.optional,
            });
            outputs.push(ScanOutput {
                variable: occurrence.variable.clone(),
                term: occurrence.term.clone(),
                inputs,
                required: !occurrence.optional,
            });
        }
        for (variable, term) in self.constants.iter().filter(|(variable, _)| needed.contains(variable)) {
            let term_type = TermType::Constant(term.clone());
            bindings.push(Binding { variable: variable.clone(), term_type: term_type.clone(), optional: false });
            let term = MappedTerm { term_type, columns: Vec::new(), build: Build::Columns }.into();
            outputs.push(ScanOutput { variable: variable.clone(), term, inputs: Vec::new(), required: true });
        }
        let scan = Scan {
            source: self.source.clone(),
            relation,
            outputs,
            slot,
            whole: None,
            unkeyed: None,
            first: None,
            narrowed: Vec::new(),
            not_pushed: self.not_pushed.clone(),
            invalid_values: InvalidValues::default(),
            basis: Basis::default(),
        };
        Node::new(NodeKind::Scan(Arc::new(scan)), bindings, 0.0)
    }

    fn column_ref(&self, occurrence: &Occurrence, name: &str) -> ColumnRef {
        let number = occurrence.access.and_then(|access| self.accesses.iter().position(|a| *a == access));
        ColumnRef::new(number.map_or_else(String::new, |number| self.alias(number)), name)
    }

    fn join_columns(&self, number: usize) -> Vec<(ColumnRef, ColumnRef)> {
        let columns = |(left, right): &(ColumnAt, ColumnAt)| {
            let left_number = self.accesses.iter().position(|a| *a == left.0).unwrap_or_default();
            (ColumnRef::new(self.alias(left_number), &left.1), ColumnRef::new(self.alias(number), &right.1))
        };
        self.joined[number].iter().map(columns).collect()
    }

    fn read(
        &self,
        catalogue: &Catalogue,
        number: usize,
        position: usize,
        wanted: &[&Occurrence],
        slot: Option<&KeySlot>,
    ) -> Read {
        let access = &self.branch.accesses[position];
        let table = catalogue.table(access.graph, &access.table);
        let mut columns: Vec<String> = Vec::new();
        let mut add = |name: &String| {
            if !columns.contains(name) {
                columns.push(name.clone());
            }
        };
        wanted.iter().filter(|o| o.access == Some(position)).for_each(|o| o.term.columns.iter().for_each(&mut add));
        for (left, right) in self.joined.iter().flatten() {
            [left, right].iter().filter(|(access, _)| *access == position).for_each(|(_, name)| add(name));
        }
        if columns.is_empty() {
            // Rows must be countable even where only their existence matters.
            let first = table.and_then(|t| t.keys.iter().flatten().next().or(t.columns.first().map(|c| &c.name)));
            columns.extend(first.cloned());
        }
        let alias = self.alias(number);
        let mut touched: Vec<String> = columns.clone();
        access.conditions.iter().for_each(|condition| columns_of(condition, &mut touched));
        if let Some(slot) = slot.filter(|slot| slot.is_read(&alias)) {
            touched.extend(slot.columns.iter().flat_map(|c| c.columns.iter().cloned()));
        }
        Read {
            table: access.table.clone(),
            alias,
            schema: schema(table, &touched),
            columns,
            filter: conjunction(&access.conditions),
            keys: None,
            limit: None,
        }
    }

    /// Leaves out columns that only joined, where the source can.
    fn project(&self, catalogue: &Catalogue, relation: Relation, wanted: &[&Occurrence]) -> Relation {
        let graph = self.branch.accesses[self.accesses[0]].graph;
        if self.accesses.len() == 1 || !catalogue.graph(graph).description.relational.project {
            return relation;
        }
        let mut columns: Vec<ProjectColumn> = Vec::new();
        for occurrence in wanted {
            for name in &occurrence.term.columns {
                let column = self.column_ref(occurrence, name);
                if !columns.iter().any(|c| c.column == column) {
                    columns.push(ProjectColumn::of(projected_name(&column), column));
                }
            }
        }
        let all = output_columns(&relation).len();
        if columns.is_empty() || columns.len() == all {
            return relation;
        }
        Relation::Project { input: Box::new(relation), columns }
    }
}

/// The codes of a column whose values they are.
fn key_codes(table: &Table, term: &MappedTerm) -> Option<KeyCodes> {
    let column = table.column(term.columns.first()?)?.data_type;
    let list = term.build.codes().filter(|_| matches!(column, DataType::Text | DataType::Int64))?;
    Some(KeyCodes { list: list.clone(), column })
}

fn projected_name(column: &ColumnRef) -> String {
    format!("{}_{}", column.relation, column.name)
}

/// Whether a condition binds the column, as the contract means it: a list does not.
fn binds_column(condition: &Expression, column: &str) -> bool {
    let is_column = |expression: &Expression| matches!(expression, Expression::Column(c) if c.name == column);
    match condition {
        Expression::Compare { operator: weft_model::contract::CompareOperator::Equal, left, right } => {
            is_column(left) && matches!(**right, Expression::Literal(_))
        }
        Expression::And(parts) => parts.iter().any(|part| binds_column(part, column)),
        _ => false,
    }
}

fn columns_of(expression: &Expression, into: &mut Vec<String>) {
    match expression {
        Expression::Column(column) => into.push(column.name.clone()),
        Expression::Literal(_) => {}
        Expression::Compare { left, right, .. } => {
            columns_of(left, into);
            columns_of(right, into);
        }
        Expression::And(parts) | Expression::Or(parts) => parts.iter().for_each(|part| columns_of(part, into)),
        Expression::Not(inner) | Expression::IsNull(inner) => columns_of(inner, into),
        Expression::In { input, .. } | Expression::Text { input, .. } => columns_of(input, into),
    }
}

/// The columns of a relation, in order.
fn output_columns(relation: &Relation) -> Vec<ColumnRef> {
    match relation {
        Relation::Read(read) => read.columns.iter().map(|name| ColumnRef::new(&read.alias, name)).collect(),
        Relation::Join { left, right, .. } => [output_columns(left), output_columns(right)].concat(),
        Relation::Project { columns, .. } => columns.iter().map(|column| ColumnRef::bare(&column.name)).collect(),
        other => other.fields().unwrap_or_default().into_iter().map(|(column, _)| column).collect(),
    }
}

fn schema(table: Option<&Table>, touched: &[String]) -> Vec<Field> {
    let mut fields: Vec<Field> = Vec::new();
    for name in touched {
        if fields.iter().any(|field| field.name == *name) {
            continue;
        }
        if let Some(column) = table.and_then(|table| table.column(name)) {
            fields.push(Field {
                name: column.name.clone(),
                data_type: column.data_type,
                nullable: column.nullable,
                native_type: column.native_type.clone(),
            });
        }
    }
    fields
}

fn conjunction(conditions: &[Expression]) -> Option<Expression> {
    let mut flat: Vec<Expression> = Vec::new();
    for condition in conditions {
        let parts = match condition {
            Expression::And(parts) => parts.as_slice(),
            other => std::slice::from_ref(other),
        };
        for part in parts {
            if !flat.contains(part) {
                flat.push(part.clone());
            }
        }
    }
    if flat.len() > 1 { Some(Expression::And(flat)) } else { flat.pop() }
}
