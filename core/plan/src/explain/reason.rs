//! Why the broker does itself what a source might have done.

use crate::catalogue::Catalogue;
use crate::push::{capabilities, rows_are_final};
use crate::{JoinKind, Node, NodeKind, Request, Rule, Rules, Scan};
use spargebra::algebra::{AggregateExpression, AggregateFunction, Expression, OrderExpression};
use weft_model::contract::{Capability, JoinSupport, Relation, RelationalCapabilities};

/// What is known beside the operators.
pub(super) struct Reasons<'a> {
    pub(super) catalogue: &'a Catalogue,
    pub(super) rules: Rules,
}

impl Reasons<'_> {
    /// Why the work of this operator is not done by a source; nothing where it is, or where none could.
    pub(super) fn of(&self, node: &Node) -> Option<String> {
        match &node.kind {
            NodeKind::Group { input, keys, aggregates } => {
                if !self.rules.allows(Rule::PushAggregates) {
                    return Some(off(Rule::PushAggregates));
                }
                Some(self.group(input, keys.is_empty(), aggregates))
            }
            NodeKind::Sort { input, keys, fetch } => self.sort(input, keys, *fetch),
            NodeKind::Slice { input, count: Some(_), .. } => self.limit(input),
            NodeKind::Distinct { input } => self.distinct(input),
            NodeKind::Join { left, right, kind, .. } => self.join(left, right, kind),
            NodeKind::Closure(closure) if !closure.in_source => {
                Some(self.path(&closure.step, closure.reach == crate::Reach::ZeroOrOne, closure.block.is_some()))
            }
            NodeKind::Filter { input, .. } => self.filter(input),
            _ => None,
        }
    }

    fn group(&self, input: &Node, global: bool, aggregates: &[(oxrdf::Variable, AggregateExpression)]) -> String {
        let scan = match only_scan(input) {
            Ok(scan) => scan,
            Err(reason) => return reason,
        };
        if let Some(reason) = self.not_final(scan) {
            return reason;
        }
        let Some(capabilities) = capabilities(scan, self.catalogue) else { return unknown(scan) };
        if capabilities.aggregates.is_empty() {
            return format!("source {} does not aggregate", scan.source);
        }
        let reason = aggregates.iter().find_map(|(_, aggregate)| aggregate_reason(scan, capabilities, aggregate));
        reason.unwrap_or_else(|| {
            let what = if global { "the values" } else { "the keys or the values" };
            format!("source {} does not take {what} of the groups for what they are as terms", scan.source)
        })
    }

    fn sort(&self, input: &Node, keys: &[OrderExpression], fetch: Option<usize>) -> Option<String> {
        if is_sorted(input) {
            return None;
        }
        if !self.rules.allows(Rule::PushSort) {
            return Some(off(Rule::PushSort));
        }
        if fetch.is_none() {
            return Some("all rows are wanted: the broker sorts them".to_owned());
        }
        let computed = keys.iter().find(|key| {
            let (OrderExpression::Asc(key) | OrderExpression::Desc(key)) = key;
            !matches!(key, Expression::Variable(_))
        });
        if let Some(OrderExpression::Asc(key) | OrderExpression::Desc(key)) = computed {
            return Some(format!("{key} is computed here"));
        }
        let scan = match only_scan(input) {
            Ok(scan) => scan,
            Err(reason) => return Some(reason),
        };
        if let Some(reason) = self.not_final(scan) {
            return Some(reason);
        }
        let can = capabilities(scan, self.catalogue)
            .is_some_and(|c| c.sort == Capability::Exact && c.limit == Capability::Exact);
        Some(if can {
            format!("source {} does not order the keys as terms are ordered", scan.source)
        } else {
            format!("source {} does not sort and cut exactly", scan.source)
        })
    }

    fn limit(&self, input: &Node) -> Option<String> {
        let mut node = input;
        while let NodeKind::Project { input } | NodeKind::Extend { input, .. } = &node.kind {
            node = input;
        }
        // The reason of a sort is told there; a union hands the limit to each of its parts.
        if matches!(node.kind, NodeKind::Sort { .. } | NodeKind::Union(_) | NodeKind::Values { .. }) || is_limited(node)
        {
            return None;
        }
        if !self.rules.allows(Rule::PushLimit) {
            return Some(off(Rule::PushLimit));
        }
        if let NodeKind::Join { .. } = node.kind {
            return Some("rows are joined first".to_owned());
        }
        let scan = match only_scan(node) {
            Ok(scan) => scan,
            Err(reason) => return Some(reason),
        };
        let reason = self.not_final(scan).filter(|_| scan.slot.is_none());
        let can = capabilities(scan, self.catalogue).is_some_and(|c| c.limit > Capability::None);
        reason.or_else(|| (!can).then(|| format!("source {} does not limit rows", scan.source)))
    }

    fn distinct(&self, input: &Node) -> Option<String> {
        if matches!(relation_of(input), Some(Relation::Distinct { .. })) {
            return None;
        }
        if !self.rules.allows(Rule::PushDistinct) {
            return Some(off(Rule::PushDistinct));
        }
        let scan = match only_scan(input) {
            Ok(scan) => scan,
            Err(reason) => return Some(reason),
        };
        if let Some(reason) = self.not_final(scan) {
            return Some(reason);
        }
        let can = capabilities(scan, self.catalogue).is_some_and(|c| c.distinct);
        Some(if can {
            format!("source {} does not tell values apart as terms are told apart", scan.source)
        } else {
            format!("source {} does not leave out duplicates", scan.source)
        })
    }

    /// Only where one source has both sides.
    fn join(&self, left: &Node, right: &Node, kind: &JoinKind) -> Option<String> {
        let (left, right) = (only_scan(left).ok()?, only_scan(right).ok()?);
        if left.source != right.source {
            return None;
        }
        if !self.rules.allows(Rule::SourceJoin) {
            return Some(off(Rule::SourceJoin));
        }
        if *kind != JoinKind::Inner {
            return Some("sources are asked for plain joins only".to_owned());
        }
        Some(match capabilities(left, self.catalogue)?.join {
            JoinSupport::None => format!("source {} does not join", left.source),
            JoinSupport::ForeignKeys => {
                format!("source {} joins two tables along a declared foreign key only", left.source)
            }
            JoinSupport::Any => format!(
                "nothing both have is equal in source {} exactly where the terms are, or the patterns were planned apart",
                left.source
            ),
        })
    }

    fn path(&self, step: &Node, once: bool, from_keys: bool) -> String {
        if once {
            return "a step that is taken at most once is no recursion".to_owned();
        }
        let scan = match only_scan(step) {
            Ok(scan) => scan,
            Err(reason) => return reason,
        };
        if !from_keys {
            return "the path starts at every node".to_owned();
        }
        if !self.rules.allows(Rule::PushRecursion) {
            return off(Rule::PushRecursion);
        }
        if !capabilities(scan, self.catalogue).is_some_and(|c| c.recurse) {
            return format!("source {} does not follow paths", scan.source);
        }
        format!("the ends of a step in source {} are not IRIs of one template that it compares exactly", scan.source)
    }

    /// What a scan tells of its own conditions is not told again.
    fn filter(&self, input: &Node) -> Option<String> {
        match &input.kind {
            NodeKind::Project { input } | NodeKind::Filter { input, .. } => self.filter(input),
            NodeKind::Scan(scan) if scan.not_pushed.is_empty() && !self.rules.allows(Rule::PushFilters) => {
                Some(off(Rule::PushFilters))
            }
            NodeKind::Scan(_) | NodeKind::Unpivot(_) => None,
            _ => only_scan(input).err(),
        }
    }

    fn not_final(&self, scan: &Scan) -> Option<String> {
        if scan.slot.is_some() {
            return Some(format!("source {} is asked for the keys of a join", scan.source));
        }
        (!rows_are_final(scan))
            .then(|| format!("rows of source {} may still be left out here: they are no match", scan.source))
    }
}

fn off(rule: Rule) -> String {
    format!("rule {} is off", rule.name())
}

fn unknown(scan: &Scan) -> String {
    format!("source {} is not described", scan.source)
}

fn aggregate_reason(
    scan: &Scan,
    capabilities: &RelationalCapabilities,
    aggregate: &AggregateExpression,
) -> Option<String> {
    use weft_model::contract::AggregateFunction as Asked;
    let can = |asked: Asked| capabilities.aggregates.contains(&asked);
    let lacks = |asked: Asked| Some(format!("source {} does not aggregate by {asked:?}", scan.source));
    let (name, expression, distinct) = match aggregate {
        AggregateExpression::CountSolutions { distinct: true } => {
            return Some("COUNT(DISTINCT *) is computed here".to_owned());
        }
        AggregateExpression::CountSolutions { distinct: false } => {
            return if can(Asked::Count) { None } else { lacks(Asked::Count) };
        }
        AggregateExpression::FunctionCall { name, expr, distinct } => (name, expr, *distinct),
    };
    if !matches!(expression, Expression::Variable(_)) {
        return Some(format!("{expression} is computed here"));
    }
    let asked: &[Asked] = match name {
        AggregateFunction::Count => &[Asked::Count],
        AggregateFunction::Min => &[Asked::Min],
        AggregateFunction::Max => &[Asked::Max],
        AggregateFunction::Sum if !distinct => &[Asked::Sum],
        AggregateFunction::Avg if !distinct => &[Asked::Sum, Asked::Count],
        _ => return Some(format!("{aggregate} is computed here")),
    };
    asked.iter().find(|asked| !can(**asked)).and_then(|asked| lacks(*asked))
}

/// The one request the rows of a node come from as they are, or why there is none.
fn only_scan(node: &Node) -> Result<&Scan, String> {
    match &node.kind {
        NodeKind::Project { input } => only_scan(input),
        NodeKind::Scan(scan) => Ok(scan),
        NodeKind::Unpivot(unpivot) => Err(format!("each row of source {} is several rows here", unpivot.scan.source)),
        NodeKind::Filter { expression, .. } => Err(format!("{expression} is checked here first")),
        NodeKind::Extend { variable, .. } => Err(format!("{variable} is computed here first")),
        NodeKind::Distinct { .. } => Err("duplicates are left out here first".to_owned()),
        NodeKind::Group { .. } => Err("the rows are groups that are made here".to_owned()),
        NodeKind::Sort { .. } | NodeKind::Slice { .. } | NodeKind::Number { .. } => {
            Err("the order of the rows counts".to_owned())
        }
        NodeKind::Closure(_) => Err("the rows are paths that are followed here".to_owned()),
        NodeKind::Alias { .. } => Err("names are replaced by representatives here first".to_owned()),
        NodeKind::Shared { .. } => Err("the rows are read in several places".to_owned()),
        NodeKind::Unit | NodeKind::Empty | NodeKind::Values { .. } => Err("the rows are those of the query".to_owned()),
        NodeKind::Join { .. } | NodeKind::Union(_) | NodeKind::Service(_) => Err(several(node)),
    }
}

fn several(node: &Node) -> String {
    let requests = node.requests();
    let mut sources: Vec<&str> = Vec::new();
    for request in &requests {
        let name = match request {
            Request::Scan(scan) => &*scan.source,
            Request::Service(_) => "a service",
        };
        if !sources.contains(&name) {
            sources.push(name);
        }
    }
    match sources.as_slice() {
        [only] => format!("the rows come from {} requests to {only}", requests.len()),
        many => format!("the rows come from {} requests to {} sources", requests.len(), many.len()),
    }
}

fn relation_of(node: &Node) -> Option<&Relation> {
    only_scan(node).ok().map(|scan| &scan.relation)
}

fn is_sorted(node: &Node) -> bool {
    match relation_of(node) {
        Some(Relation::Limit { input, .. }) => matches!(**input, Relation::Sort { .. }),
        other => matches!(other, Some(Relation::Sort { .. })),
    }
}

fn is_limited(node: &Node) -> bool {
    let relation = match &node.kind {
        NodeKind::Unpivot(unpivot) => Some(&unpivot.scan.relation),
        _ => relation_of(node),
    };
    matches!(relation, Some(Relation::Limit { .. } | Relation::Read(weft_model::contract::Read { limit: Some(_), .. })))
}
