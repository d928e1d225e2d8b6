
pub mod arbitrary;
pub mod compare;
pub mod memory;
pub mod query_gen;
pub mod scenario;
pub mod union;
pub mod mesh;
pub mod shrink;
pub mod guests;
pub mod http_server;
pub mod faulty;
pub mod case;
pub mod relation_gen;
