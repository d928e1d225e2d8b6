//! Aggregates, order and limits into scans.
//!
//! They may move only over rows that are final: where every condition is exact and every null that is no match is left
//! out by the source itself. The operators above stay, except for aggregates, which the source computes whole.

use crate::catalogue::Catalogue;
use crate::constant::is_native;
use crate::pushdown::not_null;
use crate::{Binding, Node, NodeKind, Scan, ScanOutput, Start};
use oxrdf::{Literal, Variable};
use spargebra::algebra::{AggregateExpression, AggregateFunction as Sparql, Expression, OrderExpression};
use weft_mapping::{Build, InvalidValues, MappedTerm};
use weft_model::contract::{
    Aggregate, AggregateFunction, Capability, Column, ColumnRef, Expression as Condition, Read, Relation,
    RelationalCapabilities, SortKey, TextComparison, TypeKind,
};
use weft_model::term::{LiteralType, TermType};

pub(crate) fn push_down(node: &mut Node, catalogue: &Catalogue) {
    match &mut node.kind {
        NodeKind::Slice { input, offset, count: Some(count) } => {
            let most = offset.saturating_add(*count);
            push_limit(input, catalogue, most);
        }
        NodeKind::Distinct { input } => push_distinct(input, catalogue),
        NodeKind::Group { .. } => push_group(node, catalogue),
        _ => {}
    }
    for child in children_mut(&mut node.kind) {
        push_down(child, catalogue);
    }
}

fn children_mut(kind: &mut NodeKind) -> Vec<&mut Node> {
    match kind {
        NodeKind::Scan(_)
        | NodeKind::Unpivot(_)
        | NodeKind::Unit
        | NodeKind::Empty
        | NodeKind::Values { .. }
        | NodeKind::Service(_) => Vec::new(),
        NodeKind::Closure(closure) => {
            let mut children = vec![&mut closure.step];
            if let Start::Nodes(nodes) | Start::Keys { nodes: Some(nodes), .. } = &mut closure.start {
                children.push(nodes);
            }
            children
        }
        NodeKind::Join { left, right, .. } => vec![left, right],
        NodeKind::Union(inputs) => inputs.iter_mut().collect(),
        NodeKind::Filter { input, .. }
        | NodeKind::Extend { input, .. }
        | NodeKind::Project { input }
        | NodeKind::Distinct { input }
        | NodeKind::Sort { input, .. }
        | NodeKind::Slice { input, .. }
        | NodeKind::Group { input, .. }
        | NodeKind::Shared { input, .. }
        | NodeKind::Number { input, .. } => vec![input],
    }
}

/// Only the first `most` rows are wanted.
fn push_limit(node: &mut Node, catalogue: &Catalogue, most: usize) {
    match &mut node.kind {
        NodeKind::Project { input } | NodeKind::Extend { input, .. } => push_limit(input, catalogue, most),
        NodeKind::Union(inputs) => inputs.iter_mut().for_each(|input| push_limit(input, catalogue, most)),
        NodeKind::Sort { input, keys, fetch } => {
            *fetch = Some(most);
            push_sort(input, catalogue, keys, most);
        }
        NodeKind::Unpivot(unpivot) => {
            let capable = capabilities(&unpivot.scan, catalogue).is_some_and(|c| c.limit > Capability::None);
            // Each row gives at least one where some way to read it leaves none out.
            let way = |outputs: &Vec<ScanOutput>| Scan { outputs: outputs.clone(), ..unpivot.scan.clone() };
            if capable && unpivot.ways.iter().map(way).any(|scan| rows_are_final(&scan)) {
                limit(&mut unpivot.scan.relation, most);
            }
        }
        NodeKind::Scan(scan) => {
            let capable = capabilities(scan, catalogue).is_some_and(|c| c.limit > Capability::None);
            if capable && rows_are_final(scan) {
                limit(&mut scan.relation, most);
            }
        }
        _ => {}
    }
}

fn limit(relation: &mut Relation, most: usize) {
    let most = u64::try_from(most).unwrap_or(u64::MAX);
    match relation {
        Relation::Read(read) => read.limit = Some(read.limit.map_or(most, |known| known.min(most))),
        other => {
            let input = Box::new(other.clone());
            *other = Relation::Limit { input, offset: 0, count: Some(most) };
        }
    }
}

fn push_sort(node: &mut Node, catalogue: &Catalogue, keys: &[OrderExpression], most: usize) {
    let scan = match &mut node.kind {
        NodeKind::Project { input } => return push_sort(input, catalogue, keys, most),
        NodeKind::Scan(scan) => scan,
        _ => return,
    };
    let exact =
        capabilities(scan, catalogue).is_some_and(|c| c.sort == Capability::Exact && c.limit == Capability::Exact);
    if !exact || !rows_are_final(scan) {
        return;
    }
    let Some(keys) = keys.iter().map(|key| sort_key(scan, catalogue, key)).collect::<Option<Vec<_>>>() else { return };
    let input = Box::new(scan.relation.clone());
    scan.relation = Relation::Sort { input, keys };
    limit(&mut scan.relation, most);
}

fn sort_key(scan: &Scan, catalogue: &Catalogue, key: &OrderExpression) -> Option<SortKey> {
    let (expression, descending) = match key {
        OrderExpression::Asc(expression) => (expression, false),
        OrderExpression::Desc(expression) => (expression, true),
    };
    let Expression::Variable(variable) = expression else { return None };
    let native = native_literal(scan, catalogue, variable)?;
    // The order of doubles with NaN differs between systems.
    (native.literal != LiteralType::Double && native.column.sortable).then_some(SortKey {
        column: native.reference,
        descending,
        // SPARQL section 15.1: unbound comes first.
        nulls_first: !descending,
    })
}

/// Duplicates that would be dropped above need not be sent.
fn push_distinct(node: &mut Node, catalogue: &Catalogue) {
    let scan = match &mut node.kind {
        NodeKind::Project { input } => return push_distinct(input, catalogue),
        NodeKind::Scan(scan) => scan,
        _ => return,
    };
    let capable = capabilities(scan, catalogue).is_some_and(|c| c.distinct);
    let Ok(fields) = scan.relation.fields() else { return };
    let comparable = (0..fields.len()).all(|i| {
        let used = scan.outputs.iter().any(|output| output.inputs.contains(&i));
        used && described(scan, catalogue, i).is_some_and(|(_, column)| {
            // The two zeros of a double are one value and two terms.
            column.text_comparison_is_exact() && column.data_type.kind() != TypeKind::Float64
        })
    });
    if capable && comparable && rows_are_final(scan) {
        let input = Box::new(scan.relation.clone());
        scan.relation = Relation::Distinct { input };
    }
}

fn push_group(node: &mut Node, catalogue: &Catalogue) {
    let bindings = node.bindings.clone();
    let NodeKind::Group { input, keys, aggregates } = &mut node.kind else { return };
    let Some(scan) = scan_below(input) else { return };
    if !rows_are_final(scan) || scan.slot.is_some() {
        return;
    }
    let Some(pushed) = aggregate_scan(scan, catalogue, keys, aggregates) else { return };
    let mut result =
        Node { kind: NodeKind::Scan(Box::new(pushed.scan)), bindings: pushed.bindings, estimate: node.estimate };
    for (variable, expression) in pushed.computed {
        let mut bindings = result.bindings.clone();
        bindings.push(Binding { variable: variable.clone(), term_type: TermType::General, optional: true });
        let estimate = result.estimate;
        let kind = NodeKind::Extend { input: Box::new(result), variable, expression };
        result = Node { kind, bindings, estimate };
    }
    let kept = bindings.iter().filter_map(|b| result.binding(&b.variable).cloned()).collect();
    let estimate = result.estimate;
    *node = Node { kind: NodeKind::Project { input: Box::new(result) }, bindings: kept, estimate };
}

fn scan_below(node: &Node) -> Option<&Scan> {
    match &node.kind {
        NodeKind::Project { input } => scan_below(input),
        NodeKind::Scan(scan) => Some(scan),
        _ => None,
    }
}

struct PushedGroup {
    scan: Scan,
    bindings: Vec<Binding>,
    /// What the broker computes from the source's aggregates.
    computed: Vec<(Variable, Expression)>,
}

fn aggregate_scan(
    scan: &Scan,
    catalogue: &Catalogue,
    keys: &[Variable],
    aggregates: &[(Variable, AggregateExpression)],
) -> Option<PushedGroup> {
    let capabilities = capabilities(scan, catalogue)?;
    let mut builder = GroupBuilder {
        scan,
        catalogue,
        capabilities,
        group: Vec::new(),
        aggregates: Vec::new(),
        outputs: Vec::new(),
        bindings: Vec::new(),
        computed: Vec::new(),
    };
    keys.iter().try_for_each(|key| builder.key(key))?;
    for (variable, aggregate) in aggregates {
        builder.aggregate(variable, aggregate, keys.is_empty())?;
    }
    let GroupBuilder { group, aggregates, mut outputs, bindings, computed, .. } = builder;
    // Keys that are constant in the scan: over no rows there is no group, and a source would give the one without keys.
    if group.is_empty() && !keys.is_empty() {
        return None;
    }
    let relation = Relation::Aggregate { input: Box::new(scan.relation.clone()), group, aggregates };
    let fields = relation.fields().ok()?;
    for (output, columns) in &mut outputs {
        output.inputs = columns
            .iter()
            .map(|column| fields.iter().position(|(known, _)| known == column))
            .collect::<Option<Vec<_>>>()?;
    }
    let outputs = outputs.into_iter().map(|(output, _)| output).collect();
    Some(PushedGroup { scan: Scan { relation, outputs, ..scan.clone() }, bindings, computed })
}

struct GroupBuilder<'a> {
    scan: &'a Scan,
    catalogue: &'a Catalogue,
    capabilities: &'a RelationalCapabilities,
    group: Vec<ColumnRef>,
    aggregates: Vec<Aggregate>,
    outputs: Vec<(ScanOutput, Vec<ColumnRef>)>,
    bindings: Vec<Binding>,
    computed: Vec<(Variable, Expression)>,
}

impl GroupBuilder<'_> {
    fn key(&mut self, variable: &Variable) -> Option<()> {
        let output = self.scan.outputs.iter().find(|output| output.variable == *variable)?;
        if output.term.build != Build::Columns {
            return None;
        }
        let arrows = output.term.term_type.columns();
        let mut columns = Vec::new();
        for (input, arrow) in output.inputs.iter().zip(&arrows) {
            let (reference, column) = described(self.scan, self.catalogue, *input)?;
            let groups_by_identity = is_native(column, arrow)
                && column.text_comparison_is_exact()
                && column.data_type.kind() != TypeKind::Float64;
            if !groups_by_identity {
                return None;
            }
            if !self.group.contains(&reference) {
                self.group.push(reference.clone());
            }
            columns.push(reference);
        }
        let binding = Binding {
            variable: variable.clone(),
            term_type: output.term.term_type.clone(),
            optional: !output.required,
        };
        self.bindings.push(binding);
        self.outputs.push((output.clone(), columns));
        Some(())
    }

    fn aggregate(&mut self, variable: &Variable, aggregate: &AggregateExpression, global: bool) -> Option<()> {
        match aggregate {
            AggregateExpression::CountSolutions { distinct: false } => {
                self.add(variable, AggregateFunction::Count, None, false, LiteralType::Integer)
            }
            AggregateExpression::CountSolutions { distinct: true } => None,
            AggregateExpression::FunctionCall { name, expr: Expression::Variable(argument), distinct } => {
                self.function(variable, name, argument, *distinct, global)
            }
            AggregateExpression::FunctionCall { .. } => None,
        }
    }

    fn function(
        &mut self,
        variable: &Variable,
        name: &Sparql,
        argument: &Variable,
        distinct: bool,
        global: bool,
    ) -> Option<()> {
        if *name == Sparql::Count {
            let argument = self.counted(argument, distinct)?;
            return self.add(variable, AggregateFunction::Count, Some(argument), distinct, LiteralType::Integer);
        }
        let native = native_literal(self.scan, self.catalogue, argument)?;
        let literal = native.literal.clone();
        let argument = Some(native.reference);
        // XPath's operators give the primitive type back.
        let sum =
            if matches!(literal, LiteralType::DerivedInteger(_)) { LiteralType::Integer } else { literal.clone() };
        match name {
            Sparql::Min | Sparql::Max => {
                let ordered = matches!(
                    literal,
                    LiteralType::Integer
                        | LiteralType::DerivedInteger(_)
                        | LiteralType::Decimal
                        | LiteralType::String
                        | LiteralType::Date
                        | LiteralType::DateTime { .. }
                );
                let function = if *name == Sparql::Min { AggregateFunction::Min } else { AggregateFunction::Max };
                if ordered { self.add(variable, function, argument, false, literal) } else { None }
            }
            Sparql::Sum if !distinct && literal.is_numeric() => {
                if !global {
                    return self.add(variable, AggregateFunction::Sum, argument, false, sum);
                }
                let hidden = self.hidden("sum");
                self.add(&hidden, AggregateFunction::Sum, argument, false, sum)?;
                self.computed
                    .push((variable.clone(), Expression::Coalesce(vec![Expression::Variable(hidden), integer(0)])));
                Some(())
            }
            Sparql::Avg if !distinct && literal.is_numeric() => self.average(variable, argument, sum),
            _ => None,
        }
    }

    /// The column whose values are counted as the terms of a variable are.
    fn counted(&self, argument: &Variable, distinct: bool) -> Option<ColumnRef> {
        let output = self.scan.outputs.iter().find(|output| output.variable == *argument)?;
        let (reference, column) = described(self.scan, self.catalogue, *output.inputs.first()?)?;
        if output.term.build != Build::Columns {
            return None;
        }
        if !distinct {
            return Some(reference);
        }
        // Distinct doubles differ in what equals what (NaN, two zeros).
        let same = output.inputs.len() == 1
            && is_native(column, output.term.term_type.columns().first()?)
            && column.text_comparison_is_exact()
            && column.data_type.kind() != TypeKind::Float64;
        same.then_some(reference)
    }

    /// SPARQL section 18.5.1.4: the sum divided by the count, 0 over nothing.
    fn average(&mut self, variable: &Variable, argument: Option<ColumnRef>, literal: LiteralType) -> Option<()> {
        let (sum, count) = (self.hidden("sum"), self.hidden("count"));
        self.add(&sum, AggregateFunction::Sum, argument.clone(), false, literal)?;
        self.add(&count, AggregateFunction::Count, argument, false, LiteralType::Integer)?;
        let quotient =
            Expression::Divide(Box::new(Expression::Variable(sum)), Box::new(Expression::Variable(count.clone())));
        let nothing = Expression::Equal(Box::new(Expression::Variable(count)), Box::new(integer(0)));
        self.computed
            .push((variable.clone(), Expression::If(Box::new(nothing), Box::new(integer(0)), Box::new(quotient))));
        Some(())
    }

    fn hidden(&self, kind: &str) -> Variable {
        Variable::new_unchecked(format!("_:{kind}{}", self.aggregates.len()))
    }

    fn add(
        &mut self,
        variable: &Variable,
        function: AggregateFunction,
        argument: Option<ColumnRef>,
        distinct: bool,
        literal: LiteralType,
    ) -> Option<()> {
        if !self.capabilities.aggregates.contains(&function) {
            return None;
        }
        let name = format!("a{}", self.aggregates.len());
        self.aggregates.push(Aggregate { name: name.clone(), function, argument, distinct });
        let term_type = TermType::Literal(literal);
        let optional = function != AggregateFunction::Count;
        self.bindings.push(Binding { variable: variable.clone(), term_type: term_type.clone(), optional });
        let term = MappedTerm { term_type, columns: vec![name.clone()], build: Build::Columns };
        let output = ScanOutput { variable: variable.clone(), term, inputs: Vec::new(), required: false };
        self.outputs.push((output, vec![ColumnRef::bare(name)]));
        Some(())
    }
}

fn integer(n: i64) -> Expression {
    Expression::Literal(Literal::from(n))
}

pub(crate) fn capabilities<'a>(scan: &Scan, catalogue: &'a Catalogue) -> Option<&'a RelationalCapabilities> {
    let graph = catalogue.graphs().iter().find(|graph| graph.source == scan.source)?;
    Some(&graph.description.relational)
}

struct NativeLiteral<'a> {
    literal: LiteralType,
    reference: ColumnRef,
    column: &'a Column,
}

/// A variable that is one native literal column, compared by the source as SPARQL does.
fn native_literal<'a>(scan: &Scan, catalogue: &'a Catalogue, variable: &Variable) -> Option<NativeLiteral<'a>> {
    let output = scan.outputs.iter().find(|output| output.variable == *variable)?;
    let (TermType::Literal(literal), [input], Build::Columns) =
        (&output.term.term_type, output.inputs.as_slice(), &output.term.build)
    else {
        return None;
    };
    let (reference, column) = described(scan, catalogue, *input)?;
    let native = is_native(column, &literal.arrow()) && !matches!(literal, LiteralType::Other(_));
    (native && column.text_comparison_is_exact()).then(|| NativeLiteral { literal: literal.clone(), reference, column })
}

/// The described column behind a field of the scan's relation.
pub(crate) fn described<'a>(scan: &Scan, catalogue: &'a Catalogue, input: usize) -> Option<(ColumnRef, &'a Column)> {
    let reference = scan.relation.fields().ok()?.get(input)?.0.clone();
    let origin = origin(&scan.relation, &reference);
    let read = scan.relation.reads().into_iter().find(|read| read.alias == origin.relation)?;
    let position = catalogue.graphs().iter().position(|graph| graph.source == scan.source)?;
    Some((reference, catalogue.table(position, &read.table)?.column(&origin.name)?))
}

/// The column of a read that a field comes from.
fn origin(relation: &Relation, reference: &ColumnRef) -> ColumnRef {
    match relation {
        Relation::Project { columns, .. } => columns
            .iter()
            .find(|column| reference.relation.is_empty() && column.name == reference.name)
            .map_or_else(|| reference.clone(), |column| column.column.clone()),
        Relation::Sort { input, .. } | Relation::Limit { input, .. } | Relation::Distinct { input } => {
            origin(input, reference)
        }
        Relation::Recurse { step, from, to, .. } => from
            .iter()
            .chain(to)
            .find(|column| reference.relation.is_empty() && column.name == reference.name)
            .map_or_else(|| reference.clone(), |column| origin(step, column)),
        _ => reference.clone(),
    }
}

/// Whether the broker drops no row of the scan.
pub(crate) fn rows_are_final(scan: &Scan) -> bool {
    let Ok(fields) = scan.relation.fields() else { return false };
    let is_total = |output: &ScanOutput| {
        let types = output.inputs.iter().filter_map(|input| fields.get(*input)).map(|(_, field)| field.data_type);
        output.term.is_total(&types.collect::<Vec<_>>())
    };
    if scan.invalid_values == InvalidValues::LeaveOut && !scan.outputs.iter().all(is_total) {
        return false;
    }
    scan.outputs.iter().filter(|output| output.required).all(|output| {
        output.inputs.iter().all(|input| {
            fields.get(*input).is_some_and(|(reference, field)| {
                !field.nullable || is_demanded(&scan.relation, &origin(&scan.relation, reference))
            })
        })
    })
}

fn is_demanded(relation: &Relation, column: &ColumnRef) -> bool {
    let demanded = |read: &&Read| {
        read.alias == column.relation && read.filter.as_ref().is_some_and(|filter| excludes_null(filter, &column.name))
    };
    relation.reads().iter().any(demanded)
}

/// Whether a condition is never true where the column is null.
fn excludes_null(condition: &Condition, column: &str) -> bool {
    match condition {
        Condition::And(parts) => parts.iter().any(|part| excludes_null(part, column)),
        other => *other == not_null(column),
    }
}

pub(crate) trait TextExactness {
    /// Whether the source's text equality and order are by code point; true for all other types.
    fn text_comparison_is_exact(&self) -> bool;
}

impl TextExactness for Column {
    fn text_comparison_is_exact(&self) -> bool {
        self.data_type.kind() != TypeKind::Text || self.text_comparison == TextComparison::CodePoint
    }
}
