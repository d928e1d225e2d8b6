//! What the component toolchain generates from the WIT contract.

#![allow(unreachable_pub, clippy::all, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

wasmtime::component::bindgen!({
    path: "../../plugins-sdk/wit/since-v1",
    world: "connector",
    imports: { "weft:connector/http.send": async },
    exports: { default: async },
    additional_derives: [PartialEq],
});
