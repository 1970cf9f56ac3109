//! Tells test programs, and the server through `links`, where libtorch lies.

fn main() {
    if let Ok(lib) = std::env::var("DEP_TCH_LIBTORCH_LIB") {
        println!("cargo:rustc-link-arg=-Wl,-rpath,{lib}");
        println!("cargo:libtorch_lib={lib}");
    }
    println!("cargo:rerun-if-changed=build.rs");
}
