//! Which rewrites a plan may use.
//!
//! All of them, unless someone switches one off: the answer is the same without it, only dearer. Operators use that to
//! find out what a rule does for a query, tests to show that no rule changes an answer.

/// A rewrite that makes a plan cheaper and leaves its answer as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rule {
    /// Patterns about one row are one access to its table.
    Star,
    /// OPTIONAL about a row that is read anyway is a column that can be null.
    OptionalColumns,
    /// Patterns matched by several columns of one row are one request.
    Unpivot,
    /// A join of unions becomes a union of joins where few of them can have rows.
    JoinUnderUnion,
    /// Conditions become conditions of the source.
    PushFilters,
    /// Tables of one source are joined by it.
    SourceJoin,
    /// The right side of a join is asked for the keys of the left.
    BindJoin,
    PushLimit,
    PushSort,
    PushDistinct,
    PushAggregates,
    /// Repeated paths are followed by the source.
    PushRecursion,
    /// Whether a join asks for keys or reads its right side whole is decided by the keys there are.
    AdaptiveJoin,
    /// What a join has read of one side narrows what it reads of the other.
    SidewaysFilter,
    /// Blocks of keys are asked for at once.
    ParallelBlocks,
    /// What earlier scans showed is expected of later ones.
    ObservedStatistics,
    /// A source aggregates what is joined with others, and the broker puts the parts together.
    PartialAggregate,
    /// Duplicates that do not matter above are dropped below joins.
    EarlyDistinct,
    /// Sources compute the calendar parts that are grouped by.
    PushTimeParts,
    /// LIMIT and ORDER BY go below joins that keep every left row.
    PushBelowJoin,
    /// Joins below a LIMIT ask for few rows first.
    JoinGoal,
    /// Joins keep the order of a left side that its source sorts, so that a LIMIT above can stop them.
    OrderedJoin,
    /// Accesses that agree on a key of their table are one.
    SelfJoin,
    /// OPTIONAL whose variables a condition above needs is a join.
    RequireOptional,
    /// Orders of joins are compared by what they cost as a whole, from each start.
    JoinOrder,
    /// In the thread view, places where a thing can only have one name share it.
    SharedName,
    /// Branches of a union that add nothing to others are left out.
    Containment,
    /// Joins that had too many keys before read both sides at the same time.
    ReadAtOnce,
    /// Keys that are sent and that nothing above looks at are not read back.
    UnreadKeys,
}

impl Rule {
    pub const ALL: [Self; 29] = [
        Self::Star,
        Self::OptionalColumns,
        Self::Unpivot,
        Self::JoinUnderUnion,
        Self::PushFilters,
        Self::SourceJoin,
        Self::BindJoin,
        Self::PushLimit,
        Self::PushSort,
        Self::PushDistinct,
        Self::PushAggregates,
        Self::PushRecursion,
        Self::AdaptiveJoin,
        Self::SidewaysFilter,
        Self::ParallelBlocks,
        Self::ObservedStatistics,
        Self::PartialAggregate,
        Self::EarlyDistinct,
        Self::PushTimeParts,
        Self::PushBelowJoin,
        Self::JoinGoal,
        Self::OrderedJoin,
        Self::SelfJoin,
        Self::RequireOptional,
        Self::JoinOrder,
        Self::SharedName,
        Self::Containment,
        Self::ReadAtOnce,
        Self::UnreadKeys,
    ];

    /// The name it has in the config.
    pub fn name(self) -> &'static str {
        match self {
            Self::Star => "star",
            Self::OptionalColumns => "optional_columns",
            Self::Unpivot => "unpivot",
            Self::JoinUnderUnion => "join_under_union",
            Self::PushFilters => "push_filters",
            Self::SourceJoin => "source_join",
            Self::BindJoin => "bind_join",
            Self::PushLimit => "push_limit",
            Self::PushSort => "push_sort",
            Self::PushDistinct => "push_distinct",
            Self::PushAggregates => "push_aggregates",
            Self::PushRecursion => "push_recursion",
            Self::AdaptiveJoin => "adaptive_join",
            Self::SidewaysFilter => "sideways_filter",
            Self::ParallelBlocks => "parallel_blocks",
            Self::ObservedStatistics => "observed_statistics",
            Self::PartialAggregate => "partial_aggregate",
            Self::EarlyDistinct => "early_distinct",
            Self::PushTimeParts => "push_time_parts",
            Self::PushBelowJoin => "push_below_join",
            Self::JoinGoal => "join_goal",
            Self::OrderedJoin => "ordered_join",
            Self::SelfJoin => "self_join",
            Self::RequireOptional => "require_optional",
            Self::JoinOrder => "join_order",
            Self::SharedName => "shared_name",
            Self::Containment => "containment",
            Self::ReadAtOnce => "read_at_once",
            Self::UnreadKeys => "unread_keys",
        }
    }

    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rule| rule.name() == name)
    }
}

/// A set of rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    allowed: u32,
}

impl Default for Rules {
    fn default() -> Self {
        Self { allowed: u32::MAX }
    }
}

impl Rules {
    #[must_use]
    pub fn without(self, rule: Rule) -> Self {
        Self { allowed: self.allowed & !(1 << rule as u32) }
    }

    pub fn allows(self, rule: Rule) -> bool {
        self.allowed & (1 << rule as u32) != 0
    }
}
