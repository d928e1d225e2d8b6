//! The guard around every connector call.
