//! Runs plans: scans, joins, SPARQL expressions over columns, on DataFusion.
