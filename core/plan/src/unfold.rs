//! Unfolding: a basic graph pattern becomes a union of conjunctive branches over tables.
//!
//! Each triple pattern may be matched by several triple maps; each choice of one for every pattern is a [`Branch`]. The
//! patterns that share a subject and a table whose key the subject is are one access to that table, never a self-join
//! (the star of the pattern). Branches whose terms cannot meet are never built.

use crate::branch::{Access, Branch, BranchSet, MOST_COMBINATIONS, term_expression};
use crate::catalogue::{Catalogue, TripleId};
use crate::constant::mismatch;
use crate::dataset::Dataset;
use crate::pattern::{PatternTerm, QuadPattern};
use crate::{PlanError, PlanLimits, Pruned};
use oxrdf::{NamedNode, Term, Variable};
use spargebra::algebra::Expression as Sparql;
use weft_mapping::{Build, GraphMap, MappedTerm};
use weft_model::contract::{Capability, DataType};
use weft_model::term::{LiteralType, TermType};

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
    dataset: Option<&'a Dataset>,
    limits: &'a PlanLimits,
    hidden: usize,
    pub(crate) pruned: Vec<Pruned>,
}

/// More reasons than these are not worth reading.
const MAX_PRUNED: usize = 200;

impl<'a> Unfolder<'a> {
    pub(crate) fn new(catalogue: &'a Catalogue, dataset: Option<&'a Dataset>, limits: &'a PlanLimits) -> Self {
        Self { catalogue, dataset, limits, hidden: 0, pruned: Vec::new() }
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
            self.limits.check_wanted()?;
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
            if !self.is_in_dataset(pattern, *id) {
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

    /// The graphs the dataset has for a pattern; `None` where the dataset is everything.
    fn graphs_for(&self, pattern: &QuadPattern) -> Option<&'a [NamedNode]> {
        let dataset = self.dataset?;
        Some(if pattern.graph.is_none() { &dataset.default } else { &dataset.named })
    }

    /// Whether the triples of a map can be in the dataset. A chosen default graph is made of the graphs it names.
    fn is_in_dataset(&self, pattern: &QuadPattern, id: TripleId) -> bool {
        let triple = self.catalogue.triple(id);
        match (self.graphs_for(pattern), &triple.graph) {
            (None, _) => pattern.graph.is_some() || triple.in_default_graph,
            (Some(graphs), GraphMap::Constant(node)) => graphs.contains(node),
            (Some(graphs), GraphMap::Column(_)) => !graphs.is_empty(),
        }
    }

    /// Holds a graph that a column names to those of the dataset.
    fn place_in_dataset(
        &mut self,
        branch: &mut Branch,
        access: usize,
        graph: &GraphMap,
        pattern: &QuadPattern,
    ) -> Result<(), String> {
        let (Some(graphs), GraphMap::Column(_)) = (self.graphs_for(pattern), graph) else { return Ok(()) };
        if let [only] = graphs {
            return self.place_constant(branch, access, &graph_term(graph), &only.clone().into());
        }
        let hidden = self.hidden("graph");
        branch.bind(&hidden, access, &graph_term(graph))?;
        let list = graphs.iter().map(|node| Sparql::NamedNode(node.clone())).collect();
        branch.filters.push(Sparql::In(Box::new(Sparql::Variable(hidden)), list));
        Ok(())
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
        self.place_in_dataset(&mut branch, access, &triple.graph, pattern)?;
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
            return Err(mismatch(constant, &mapped.term_type));
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

/// A raw column as a term: only ever compared with another raw column.
fn natural_term(column: &str, data_type: DataType) -> MappedTerm {
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
            MappedTerm { term_type: TermType::General, columns: vec![column.clone()], build: Build::EncodedIri }
        }
    }
}
