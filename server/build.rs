//! Lets the program find libtorch where it was linked, so that it runs from any folder without `LD_LIBRARY_PATH`.

fn main() {
    // Told by the build script of `model`; absent when the tensor code is only type-checked.
    if let Ok(lib) = std::env::var("DEP_PLUMBLINE_MODEL_LIBTORCH_LIB") {
        println!("cargo:rustc-link-arg=-Wl,-rpath,{lib}");
    }
    // Files of the site that change are noticed by themselves; this notices new ones.
    println!("cargo:rerun-if-changed=../target/site");
    println!("cargo:rerun-if-changed=build.rs");
}
