//! Generates a typed function for every text in the `.ftl` files beside this file: a key or argument that one language lacks does not
//! compile where it is used.

#[cfg(feature = "ssr")]
fn main() -> std::process::ExitCode {
    use fluent_typed::{BuildOptions, FtlOutputOptions, LintLevel, build_from_locales_folder};
    let Ok(out) = std::env::var("OUT_DIR") else { return std::process::ExitCode::FAILURE };
    let options = BuildOptions::default()
        .with_locales_folder("src/i18n")
        .with_output_file_path(&format!("{out}/translations.rs"))
        .with_ftl_output(FtlOutputOptions::single_file(&format!("{out}/translations.ftl")))
        .with_prefix("")
        .with_lint_level(LintLevel::Strict)
        // Names and codes have elements of their own (`<bdi>`, `<code>`); isolation marks would be copied along with the text.
        .without_bidi_isolation()
        .without_format();
    build_from_locales_folder(options)
}

#[cfg(not(feature = "ssr"))]
fn main() {
    println!("cargo::rerun-if-changed=src/i18n/build.rs");
}
