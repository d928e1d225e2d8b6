//! Unfolding: a basic graph pattern becomes a union of conjunctive branches over tables.
//!
//! Each triple pattern may be matched by several triple maps; each choice of one for every pattern is a [`Branch`]. The
//! patterns that share a subject and a table whose key the subject is are one access to that table, never a self-join
//! (the star of the pattern). Branches whose terms cannot meet are never built.
//!
//! A graph is a set: a basic graph pattern has each solution over *all* its variables once. [`BranchSet::is_set`] tells
//! where the branches give that by themselves; elsewhere the plan has a `Distinct`.

use crate::catalogue::{Catalogue, TripleId};
use crate::constant::{is_native, key_values};
use crate::{PlanError, PlanLimits, Pruned};
use oxrdf::{NamedNode, Term, Variable};
use spargebra::algebra::Expression as Sparql;
use std::collections::HashSet;
use weft_mapping::{Build, GraphMap, MappedTerm};
use weft_model::contract::{Capability, ColumnRef, CompareOperator, Expression, FilterOperation, Table, Value};
use weft_model::term::{LiteralType, TermType};

/// A triple or quad pattern of the query.
#[derive(Clone, Debug)]
pub(crate) struct QuadPattern {
    pub(crate) subject: PatternTerm,
    pub(crate) predicate: PatternTerm,
    pub(crate) object: PatternTerm,
    /// `None`: the default graph.
    pub(crate) graph: Option<PatternTerm>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum PatternTerm {
    Variable(Variable),
    Constant(Term),
}

/// A union of branches with set semantics over `variables`.
#[derive(Clone, Debug)]
pub(crate) struct BranchSet {
    pub(crate) branches: Vec<Branch>,
    pub(crate) variables: Vec<Variable>,
}

/// A conjunction of table accesses.
#[derive(Clone, Debug, Default)]
pub(crate) struct Branch {
    pub(crate) accesses: Vec<Access>,
    pub(crate) occurrences: Vec<Occurrence>,
    /// Conditions on the whole branch.
    pub(crate) filters: Vec<Sparql>,
    /// Hidden variables a filter holds to one constant.
    fixed: Vec<Variable>,
}

/// One row variable over a table.
#[derive(Clone, Debug)]
pub(crate) struct Access {
    pub(crate) graph: usize,
    pub(crate) table: String,
    /// What the source is asked to check, exact or as a superset.
    pub(crate) conditions: Vec<Expression>,
    /// Subjects that are a key of the table: a further pattern about one of them is about the same row.
    row_keys: Vec<(PatternTerm, MappedTerm)>,
    /// Other subjects: a further pattern about one of them may be about the same row as long as at most one of all uses a
    /// column the subject does not determine.
    subjects: Vec<(PatternTerm, MappedTerm)>,
    uses_other_columns: bool,
    /// Columns bound to a constant.
    constant_columns: Vec<String>,
    /// Constants whose columns are taken care of.
    constants: Vec<(Term, MappedTerm)>,
}

/// A variable as some columns of an access.
#[derive(Clone, Debug)]
pub(crate) struct Occurrence {
    pub(crate) variable: Variable,
    /// `None` for a constant.
    pub(crate) access: Option<usize>,
    pub(crate) term: MappedTerm,
    /// Null columns leave the variable unbound instead of dropping the row.
    pub(crate) optional: bool,
}

impl PatternTerm {
    fn variable(&self) -> Option<&Variable> {
        match self {
            Self::Variable(variable) => Some(variable),
            Self::Constant(_) => None,
        }
    }
}

impl std::fmt::Display for PatternTerm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Variable(variable) => write!(f, "{variable}"),
            Self::Constant(term) => write!(f, "{term}"),
        }
    }
}

impl std::fmt::Display for QuadPattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(graph) = &self.graph {
            write!(f, "GRAPH {graph} ")?;
        }
        write!(f, "{} {} {}", self.subject, self.predicate, self.object)
    }
}

impl QuadPattern {
    fn terms(&self) -> impl Iterator<Item = &PatternTerm> {
        [&self.subject, &self.predicate, &self.object].into_iter().chain(&self.graph)
    }

    pub(crate) fn variables(&self) -> impl Iterator<Item = &Variable> {
        self.terms().filter_map(PatternTerm::variable)
    }

    /// Whether the two share a variable, or a constant subject.
    fn is_connected(&self, other: &Self) -> bool {
        self.subject == other.subject || self.variables().any(|mine| other.variables().any(|theirs| mine == theirs))
    }

    fn predicate_constant(&self) -> Option<&NamedNode> {
        match &self.predicate {
            PatternTerm::Constant(Term::NamedNode(node)) => Some(node),
            _ => None,
        }
    }
}

/// A row a pattern is about.
struct Row<'a> {
    table: &'a str,
    subject: &'a MappedTerm,
    graph: usize,
    /// Whether the pattern looks at columns that the subject does not determine.
    other_columns: bool,
}

/// Whether rows with one subject agree on this term.
fn determines(subject: &MappedTerm, term: &MappedTerm) -> bool {
    term.columns.iter().all(|column| subject.columns.contains(column))
}

/// Unfolds basic graph patterns, and names the hidden variables they need.
pub(crate) struct Unfolder<'a> {
    catalogue: &'a Catalogue,
    limits: &'a PlanLimits,
    hidden: usize,
    pub(crate) pruned: Vec<Pruned>,
}

/// More pairs of branch and candidate are not tried.
const MOST_COMBINATIONS: usize = 100_000;

/// More reasons than these are not worth reading.
const MAX_PRUNED: usize = 200;

impl<'a> Unfolder<'a> {
    pub(crate) fn new(catalogue: &'a Catalogue, limits: &'a PlanLimits) -> Self {
        Self { catalogue, limits, hidden: 0, pruned: Vec::new() }
    }

    /// A variable no query can name.
    pub(crate) fn hidden(&mut self, kind: &str) -> Variable {
        self.hidden += 1;
        Variable::new_unchecked(format!("_:{kind}{}", self.hidden))
    }

    /// Unfolds a basic graph pattern: several sets are to be joined.
    ///
    /// Patterns go into one set while that does not multiply branches: a join of two unions asks each source once, a union
    /// of many joins asks it for each of them. Patterns that share no variable never do.
    pub(crate) fn unfold(&mut self, patterns: Vec<QuadPattern>) -> Result<Vec<BranchSet>, PlanError> {
        let start = || BranchSet { branches: vec![Branch::default()], variables: Vec::new() };
        let mut sets = Vec::new();
        let mut current = start();
        let mut patterns_in: Vec<QuadPattern> = Vec::new();
        for (pattern, candidates) in self.in_order(patterns) {
            let matching = self.matching(&pattern, &candidates);
            let connected = patterns_in.iter().any(|other| pattern.is_connected(other));
            let fits = |set: &BranchSet, before: usize| set.branches.len() <= before.max(self.limits.joins_under_union);
            if !patterns_in.is_empty() {
                let product = current.branches.len().saturating_mul(matching.len());
                if connected && product <= MOST_COMBINATIONS {
                    let before = current.branches.len();
                    let extended = self.extend(&current, &pattern, &matching);
                    if fits(&extended, before) {
                        current = extended;
                        patterns_in.push(pattern);
                        continue;
                    }
                }
                sets.push(std::mem::replace(&mut current, start()));
                patterns_in.clear();
            }
            if matching.len() > self.limits.branches {
                return Err(self.too_many(&pattern, matching.len()));
            }
            current = self.extend(&current, &pattern, &matching);
            patterns_in.push(pattern);
        }
        sets.push(current);
        Ok(sets)
    }

    fn too_many(&self, pattern: &QuadPattern, ways: usize) -> PlanError {
        let most = self.limits.branches;
        PlanError::new(
            weft_model::Code::QueryTooLarge,
            format!(
                "the pattern {pattern} can be matched in {ways} ways; limits.branches allows {most}: name a predicate, class or graph"
            ),
        )
    }

    /// Few candidates first, then whatever shares a variable with what is there: branches that cannot be are found out
    /// early.
    fn in_order(&self, mut patterns: Vec<QuadPattern>) -> Vec<(QuadPattern, Vec<TripleId>)> {
        let mut ordered: Vec<(QuadPattern, Vec<TripleId>)> = Vec::with_capacity(patterns.len());
        while !patterns.is_empty() {
            let best = (0..patterns.len()).min_by_key(|i| {
                let pattern = &patterns[*i];
                let connected = ordered.is_empty() || ordered.iter().any(|(other, _)| pattern.is_connected(other));
                let constants = pattern.terms().filter(|t| t.variable().is_none()).count();
                (!connected, self.catalogue.candidates(pattern.predicate_constant()).len(), usize::MAX - constants)
            });
            let Some(best) = best else { break };
            let pattern = patterns.remove(best);
            let candidates = self.catalogue.candidates(pattern.predicate_constant());
            ordered.push((pattern, candidates));
        }
        ordered
    }

    /// The candidates that can match the pattern by itself.
    fn matching(&mut self, pattern: &QuadPattern, candidates: &[TripleId]) -> Vec<TripleId> {
        let mut matching = Vec::new();
        for id in candidates {
            if pattern.graph.is_none() && !self.catalogue.triple(*id).in_default_graph {
                continue;
            }
            match self.add(&Branch::default(), pattern, *id) {
                Ok(_) => matching.push(*id),
                Err(reason) => self.prune(pattern, *id, reason),
            }
        }
        matching
    }

    fn extend(&mut self, set: &BranchSet, pattern: &QuadPattern, candidates: &[TripleId]) -> BranchSet {
        let mut branches = Vec::new();
        for branch in &set.branches {
            for id in candidates {
                match self.add(branch, pattern, *id) {
                    Ok(extended) => branches.push(extended),
                    Err(reason) => self.prune(pattern, *id, reason),
                }
            }
        }
        let mut variables = set.variables.clone();
        for variable in pattern.variables() {
            if !variables.contains(variable) {
                variables.push(variable.clone());
            }
        }
        BranchSet { branches, variables }
    }

    fn prune(&mut self, pattern: &QuadPattern, id: TripleId, reason: String) {
        let pruned = Pruned {
            pattern: pattern.to_string(),
            source: self.catalogue.source(id.graph),
            table: self.catalogue.triple(id).table.clone(),
            reason,
        };
        if self.pruned.len() < MAX_PRUNED && !self.pruned.contains(&pruned) {
            self.pruned.push(pruned);
        }
    }

    /// The branch with one more pattern matched by this triple map, or why that has no solution.
    fn add(&mut self, branch: &Branch, pattern: &QuadPattern, id: TripleId) -> Result<Branch, String> {
        let triple = self.catalogue.triple(id);
        let mut branch = branch.clone();
        let other_columns = triple.join.is_some() || !determines(&triple.subject, &triple.object);
        let row = Row { table: &triple.table, subject: &triple.subject, graph: id.graph, other_columns };
        let access = self.access(&mut branch, &pattern.subject, &row);
        self.place(&mut branch, access, &triple.subject, &pattern.subject)?;
        self.place(&mut branch, access, &triple.predicate, &pattern.predicate)?;
        if let Some(graph) = &pattern.graph {
            self.place(&mut branch, access, &graph_term(&triple.graph), graph)?;
        }
        let object_access = match &triple.join {
            None => access,
            Some(join) => {
                let other_columns = join.on.iter().any(|(_, parent)| !triple.object.columns.contains(parent));
                let row = Row { table: &join.table, subject: &triple.object, graph: id.graph, other_columns };
                let parent = self.access(&mut branch, &pattern.object, &row);
                for (child_column, parent_column) in &join.on {
                    self.equate(&mut branch, (access, child_column), (parent, parent_column))?;
                }
                parent
            }
        };
        self.place(&mut branch, object_access, &triple.object, &pattern.object)?;
        Ok(branch)
    }

    /// The access for a row whose subject is `term`: one that is there, when that can be the same row.
    fn access(&self, branch: &mut Branch, term: &PatternTerm, row: &Row<'_>) -> usize {
        let wanted = (term.clone(), row.subject.clone());
        let known = branch.accesses.iter().position(|access| {
            let same_row = access.row_keys.contains(&wanted)
                || access.subjects.contains(&wanted) && !(access.uses_other_columns && row.other_columns);
            access.graph == row.graph && access.table == row.table && same_row
        });
        if let Some(known) = known {
            branch.accesses[known].uses_other_columns |= row.other_columns;
            return known;
        }
        let columns: Vec<&str> = row.subject.columns.iter().map(String::as_str).collect();
        let simple = row.subject.build == Build::Columns;
        let unique =
            simple && self.catalogue.table(row.graph, row.table).is_some_and(|table| table.is_unique(&columns));
        let (row_keys, subjects) = match (simple, unique) {
            (true, true) => (vec![wanted], Vec::new()),
            (true, false) => (Vec::new(), vec![wanted]),
            (false, _) => (Vec::new(), Vec::new()),
        };
        branch.accesses.push(Access {
            graph: row.graph,
            table: row.table.to_owned(),
            conditions: Vec::new(),
            row_keys,
            subjects,
            uses_other_columns: row.other_columns,
            constant_columns: Vec::new(),
            constants: Vec::new(),
        });
        branch.accesses.len() - 1
    }

    /// Matches one position of the pattern with one term map.
    fn place(
        &mut self,
        branch: &mut Branch,
        access: usize,
        mapped: &MappedTerm,
        term: &PatternTerm,
    ) -> Result<(), String> {
        match term {
            PatternTerm::Variable(variable) => branch.bind(variable, access, mapped),
            PatternTerm::Constant(constant) => self.place_constant(branch, access, mapped, constant),
        }
    }

    fn place_constant(
        &mut self,
        branch: &mut Branch,
        access: usize,
        mapped: &MappedTerm,
        constant: &Term,
    ) -> Result<(), String> {
        if !mapped.term_type.may_hold(constant) {
            return Err(format!("{constant} is not {}", mapped.term_type));
        }
        if matches!(mapped.term_type, TermType::Constant(_)) {
            return Ok(());
        }
        let placed = (constant.clone(), mapped.clone());
        if branch.accesses[access].constants.contains(&placed) {
            return Ok(());
        }
        branch.accesses[access].constants.push(placed);
        let level = match self.catalogue.table(branch.accesses[access].graph, &branch.accesses[access].table) {
            Some(table) => branch.accesses[access].equal_constant(table, mapped, constant),
            None => Capability::None,
        };
        if level == Capability::Exact {
            return Ok(());
        }
        let hidden = self.hidden("c");
        branch.bind(&hidden, access, mapped)?;
        branch.fixed.push(hidden.clone());
        branch.filters.push(Sparql::SameTerm(Box::new(Sparql::Variable(hidden)), Box::new(term_expression(constant))));
        Ok(())
    }

    /// Joins two columns of one source through a hidden variable.
    fn equate(&mut self, branch: &mut Branch, left: (usize, &str), right: (usize, &str)) -> Result<(), String> {
        let hidden = self.hidden("j");
        for (access, column) in [left, right] {
            let Access { graph, table, .. } = &branch.accesses[access];
            let mapped = self
                .catalogue
                .table(*graph, table)
                .and_then(|table| table.column(column))
                .map(|column| natural_term(&column.name, column.data_type))
                .ok_or_else(|| format!("column {column} is not described"))?;
            branch.bind(&hidden, access, &mapped)?;
        }
        Ok(())
    }
}

impl Access {
    /// Asks the source for rows whose columns are the constant; tells how far that can be relied on.
    fn equal_constant(&mut self, table: &Table, mapped: &MappedTerm, constant: &Term) -> Capability {
        let Some(conditions) = equal_conditions(table, mapped, constant) else {
            return Capability::None;
        };
        let level = conditions.iter().map(|(_, level)| *level).min().unwrap_or(Capability::None);
        for (condition, _) in conditions {
            if !self.conditions.contains(&condition) {
                self.conditions.push(condition);
            }
        }
        if level == Capability::Exact {
            self.constant_columns.extend(mapped.columns.iter().cloned());
        }
        level
    }
}

/// One condition a column, with the source's capability; `None` if any column cannot be compared at all.
pub(crate) fn equal_conditions(
    table: &Table,
    mapped: &MappedTerm,
    constant: &Term,
) -> Option<Vec<(Expression, Capability)>> {
    if !matches!(mapped.build, Build::Columns | Build::Encoded) {
        return None;
    }
    let values = key_values(constant, &mapped.term_type)?;
    let arrows = mapped.term_type.columns();
    let mut conditions = Vec::new();
    for ((name, value), arrow) in mapped.columns.iter().zip(values).zip(arrows) {
        let column = table.column(name).filter(|column| is_native(column, &arrow))?;
        let level = table.filter_capability(FilterOperation::Equal, column);
        if level == Capability::None {
            return None;
        }
        conditions.push((compare(name, CompareOperator::Equal, value), level));
    }
    Some(conditions)
}

pub(crate) fn compare(column: &str, operator: CompareOperator, value: Value) -> Expression {
    Expression::Compare {
        operator,
        left: Box::new(Expression::Column(ColumnRef::bare(column))),
        right: Box::new(Expression::Literal(value)),
    }
}

/// A raw column as a term: only ever compared with another raw column.
fn natural_term(column: &str, data_type: weft_model::contract::DataType) -> MappedTerm {
    use weft_model::contract::DataType;
    let literal = match data_type {
        DataType::Boolean => LiteralType::Boolean,
        DataType::Int64 => LiteralType::Integer,
        DataType::Decimal { .. } => LiteralType::Decimal,
        DataType::Float64 => LiteralType::Double,
        DataType::Text => LiteralType::String,
        DataType::Date => LiteralType::Date,
        DataType::Timestamp { zoned } => LiteralType::DateTime { zoned },
        DataType::Binary => LiteralType::Other(oxrdf::vocab::xsd::HEX_BINARY.into_owned()),
    };
    MappedTerm { term_type: TermType::Literal(literal), columns: vec![column.to_owned()], build: Build::Columns }
}

fn graph_term(graph: &GraphMap) -> MappedTerm {
    match graph {
        GraphMap::Constant(node) => MappedTerm {
            term_type: TermType::Constant(node.clone().into()),
            columns: Vec::new(),
            build: Build::Columns,
        },
        GraphMap::Column(column) => {
            MappedTerm { term_type: TermType::General, columns: vec![column.clone()], build: Build::Encoded }
        }
    }
}

pub(crate) fn term_expression(term: &Term) -> Sparql {
    match term {
        Term::NamedNode(node) => Sparql::NamedNode(node.clone()),
        Term::Literal(literal) => Sparql::Literal(literal.clone()),
        // A blank node is never a constant of a query.
        other => Sparql::Literal(oxrdf::Literal::new_simple_literal(other.to_string())),
    }
}

impl Branch {
    /// Adds an occurrence of a variable, unless its terms can never equal those of another occurrence.
    fn bind(&mut self, variable: &Variable, access: usize, mapped: &MappedTerm) -> Result<(), String> {
        let access = (!matches!(mapped.term_type, TermType::Constant(_))).then_some(access);
        for other in self.occurrences.iter().filter(|o| o.variable == *variable) {
            if !other.term.term_type.may_equal(&mapped.term_type) {
                return Err(format!("{variable} cannot be both {} and {}", other.term.term_type, mapped.term_type));
            }
            if other.access == access && other.term == *mapped {
                return Ok(());
            }
        }
        self.occurrences.push(Occurrence { variable: variable.clone(), access, term: mapped.clone(), optional: false });
        Ok(())
    }

    /// The conjunction of two branches, or `None` when it has no solution.
    pub(crate) fn and(&self, other: &Self) -> Option<Self> {
        let mut joined = self.clone();
        let mut renumbered = Vec::with_capacity(other.accesses.len());
        for access in &other.accesses {
            renumbered.push(joined.merge_access(access));
        }
        for occurrence in &other.occurrences {
            let conflicts = joined.occurrences.iter().any(|mine| {
                mine.variable == occurrence.variable && !mine.term.term_type.may_equal(&occurrence.term.term_type)
            });
            if conflicts {
                return None;
            }
            let access = occurrence.access.map(|access| renumbered[access]);
            let known = joined.occurrences.iter().any(|mine| {
                mine.variable == occurrence.variable
                    && mine.access == access
                    && mine.term == occurrence.term
                    && mine.optional == occurrence.optional
            });
            if !known {
                joined.occurrences.push(Occurrence { access, ..occurrence.clone() });
            }
        }
        joined.filters.extend(other.filters.iter().cloned());
        joined.fixed.extend(other.fixed.iter().cloned());
        Some(joined)
    }

    /// The position of an access for the same row, or of a copy of this one.
    fn merge_access(&mut self, access: &Access) -> usize {
        let same_row = self.accesses.iter().position(|mine| {
            mine.graph == access.graph
                && mine.table == access.table
                && mine.row_keys.iter().any(|key| access.row_keys.contains(key))
        });
        let Some(position) = same_row else {
            self.accesses.push(access.clone());
            return self.accesses.len() - 1;
        };
        let mine = &mut self.accesses[position];
        mine.conditions
            .extend(access.conditions.iter().filter(|c| !mine.conditions.contains(c)).cloned().collect::<Vec<_>>());
        mine.constant_columns.extend(access.constant_columns.iter().cloned());
        mine.constants.extend(access.constants.iter().cloned());
        position
    }

    /// Adds what an OPTIONAL asks for as nullable columns of rows that are there already.
    ///
    /// `optional` must be one pattern about the same row that binds one new variable; `None` when it is anything else.
    pub(crate) fn with_optional(&self, optional: &Self) -> Option<Self> {
        let [access] = optional.accesses.as_slice() else { return None };
        if !optional.filters.is_empty() || !access.conditions.is_empty() {
            return None;
        }
        let position = self.accesses.iter().position(|mine| {
            mine.graph == access.graph
                && mine.table == access.table
                && mine.row_keys.iter().any(|key| access.row_keys.contains(key))
        })?;
        let mut branch = self.clone();
        let mut added = 0;
        for occurrence in &optional.occurrences {
            if self.occurrences.iter().any(|mine| mine.variable == occurrence.variable) {
                let same = self.occurrences.iter().any(|mine| {
                    mine.variable == occurrence.variable
                        && mine.access == Some(position)
                        && mine.term == occurrence.term
                        && !mine.optional
                });
                if !same {
                    return None;
                }
                continue;
            }
            occurrence.access?;
            branch.occurrences.push(Occurrence { access: Some(position), optional: true, ..occurrence.clone() });
            added += 1;
        }
        (added == 1).then_some(branch)
    }

    pub(crate) fn occurrences_of<'a>(&'a self, variable: &'a Variable) -> impl Iterator<Item = &'a Occurrence> {
        self.occurrences.iter().filter(move |o| o.variable == *variable)
    }

    /// Whether the terms of `variables` determine the row of every access, so that no solution comes twice.
    fn determines_rows(&self, catalogue: &Catalogue, variables: &[Variable]) -> bool {
        let mut known: HashSet<&Variable> = variables.iter().collect();
        let mut determined = vec![false; self.accesses.len()];
        loop {
            let before = determined.iter().filter(|d| **d).count();
            for (i, access) in self.accesses.iter().enumerate() {
                if determined[i] || !self.is_row_known(catalogue, i, access, &known) {
                    continue;
                }
                determined[i] = true;
                known.extend(self.occurrences.iter().filter(|o| o.access == Some(i)).map(|o| &o.variable));
            }
            let after = determined.iter().filter(|d| **d).count();
            if after == determined.len() {
                return true;
            }
            if after == before {
                return false;
            }
        }
    }

    fn is_row_known(
        &self,
        catalogue: &Catalogue,
        position: usize,
        access: &Access,
        known: &HashSet<&Variable>,
    ) -> bool {
        let mut columns: Vec<&str> = access.constant_columns.iter().map(String::as_str).collect();
        for occurrence in self.occurrences.iter().filter(|o| o.access == Some(position)) {
            let invertible = matches!(occurrence.term.build, Build::Columns | Build::Encoded);
            if invertible && (known.contains(&occurrence.variable) || self.fixed.contains(&occurrence.variable)) {
                columns.extend(occurrence.term.columns.iter().map(String::as_str));
            }
        }
        catalogue.table(access.graph, &access.table).is_some_and(|table| table.is_unique(&columns))
    }

    /// Whether no solution of one can be a solution of the other.
    fn is_disjoint(&self, other: &Self) -> bool {
        self.occurrences.iter().any(|mine| {
            !mine.optional
                && other
                    .occurrences_of(&mine.variable)
                    .any(|theirs| !theirs.optional && !mine.term.term_type.may_equal(&theirs.term.term_type))
        })
    }
}

impl BranchSet {
    /// Whether the union of the branches gives each solution once without further work.
    pub(crate) fn is_set(&self, catalogue: &Catalogue) -> bool {
        self.branches.iter().all(|branch| branch.determines_rows(catalogue, &self.variables))
            && self
                .branches
                .iter()
                .enumerate()
                .all(|(i, branch)| self.branches[i + 1..].iter().all(|other| branch.is_disjoint(other)))
    }

    /// Whether every solution binds the variable.
    pub(crate) fn binds(&self, variable: &Variable) -> bool {
        self.branches.iter().all(|branch| branch.occurrences_of(variable).any(|o| !o.optional))
    }

    /// The join of two sets, if it does not multiply branches and no variable they share is optional.
    pub(crate) fn and(&self, other: &Self, limit: usize) -> Option<Self> {
        if !self.variables.iter().any(|variable| other.variables.contains(variable)) {
            return None;
        }
        let shared_optional =
            self.variables.iter().any(|v| other.variables.contains(v) && !(self.binds(v) && other.binds(v)));
        if shared_optional || self.branches.len().saturating_mul(other.branches.len()) > MOST_COMBINATIONS {
            return None;
        }
        let branches: Vec<Branch> =
            self.branches.iter().flat_map(|a| other.branches.iter().filter_map(|b| a.and(b))).collect();
        if branches.len() > limit.max(self.branches.len()).max(other.branches.len()) {
            return None;
        }
        let mut variables = self.variables.clone();
        variables.extend(other.variables.iter().filter(|v| !self.variables.contains(v)).cloned());
        Some(Self { branches, variables })
    }
}
