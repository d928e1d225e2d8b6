//! GROUP BY as an aggregate of the source.

use super::columns::{TextExactness as _, capabilities, described, native_literal, part};
use crate::catalogue::Catalogue;
use crate::constant::is_native;
use crate::{Binding, Scan, ScanOutput};
use arrow_schema::DataType;
use oxrdf::{Literal, Variable};
use spargebra::algebra::{AggregateExpression, AggregateFunction as Sparql, Expression};
use weft_mapping::{Build, MappedTerm};
use weft_model::contract::{Aggregate, AggregateFunction, ColumnRef, Relation, RelationalCapabilities, TypeKind};
use weft_model::term::{LiteralType, TermType};

pub(crate) struct PushedGroup {
    pub(crate) scan: Scan,
    pub(crate) bindings: Vec<Binding>,
    /// What the broker computes from the source's aggregates.
    pub(crate) computed: Vec<(Variable, Expression)>,
    /// Whether there is one group, also of no rows.
    pub(crate) is_one: bool,
}

/// The scan of the groups, where the source tells groups apart as terms are told apart and computes what SPARQL would.
/// The rows of the scan are final.
pub(crate) fn aggregate_scan(
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
    let is_one = group.is_empty();
    let relation = Relation::Aggregate { input: Box::new(scan.relation.clone()), group, aggregates };
    let fields = relation.fields().ok()?;
    for (output, columns) in &mut outputs {
        output.inputs = columns
            .iter()
            .map(|column| fields.iter().position(|(known, _)| known == column))
            .collect::<Option<Vec<_>>>()?;
    }
    let outputs = outputs.into_iter().map(|(output, _)| output).collect();
    Some(PushedGroup { scan: Scan { relation, outputs, ..scan.clone() }, bindings, computed, is_one })
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
            let reference = self.grouped(*input, arrow)?;
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

    /// The column of a term, where equal values are equal terms.
    fn grouped(&self, input: usize, arrow: &DataType) -> Option<ColumnRef> {
        let (field, _) = self.scan.relation.fields().ok()?.into_iter().nth(input)?;
        if part(&self.scan.relation, &field).is_some() {
            return Some(field);
        }
        let (reference, column) = described(self.scan, self.catalogue, input)?;
        let groups_by_identity = is_native(column, arrow)
            && column.text_comparison_is_exact()
            && column.data_type.kind() != TypeKind::Float64;
        groups_by_identity.then_some(reference)
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
        // An unbound argument is an error that the aggregate is then, too; a source passes over nulls.
        if self.scan.outputs.iter().any(|output| output.variable == *argument && !output.required) {
            return None;
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
                        | LiteralType::Double
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
        // A term of several columns is unbound where any of them is null.
        if output.term.build != Build::Columns || !output.required && output.inputs.len() > 1 {
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
        let term = MappedTerm { term_type, columns: vec![name.clone()], build: Build::Columns }.into();
        let output = ScanOutput { variable: variable.clone(), term, inputs: Vec::new(), required: false };
        self.outputs.push((output, vec![ColumnRef::bare(name)]));
        Some(())
    }
}

fn integer(n: i64) -> Expression {
    Expression::Literal(Literal::from(n))
}
