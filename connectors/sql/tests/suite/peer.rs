//! The PostgreSQL of the kit of third-party systems.
