//! Bundles the islands' WASM into the folder that the server serves.
//!
//! Usage: `bundle target/wasm32-unknown-unknown/wasm-release/tms_portal.wasm`, in the project's top folder; all settings are in
//! `Leptos.toml`. It replaces `cargo leptos build`: bindings, `wasm-opt`, file names with a hash of the content, and `hash.txt`
//! beside the server, in which `HydrationScripts` and `HashedStylesheet` find those names. It also compresses every file, so that
//! the server does not have to. A failed run leaves the folder unchanged.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use serde::Deserialize;
use sha2::{Digest, Sha256};
use wasm_bindgen_cli_support::Bindgen;

const CONFIG: &str = "Leptos.toml";
const WASM_OPT: &str = "end2end/node_modules/.bin/wasm-opt";
/// The features that rustc enables for wasm32-unknown-unknown; all current browsers support them.
const WASM_FEATURES: [&str; 6] = [
    "--enable-bulk-memory",
    "--enable-multivalue",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
];
/// Files to compress; images and fonts are already compressed.
const COMPRESSED_EXTENSIONS: [&str; 9] = ["css", "html", "ico", "js", "json", "svg", "txt", "wasm", "webmanifest"];

type Result<T = (), E = String> = std::result::Result<T, E>;

/// The keys of `[package.metadata.leptos]` that are used here.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct BundleConfig {
    output_name: String,
    site_root: PathBuf,
    site_pkg_dir: String,
    style_file: PathBuf,
    assets_dir: PathBuf,
}

fn main() -> ExitCode {
    let args: Vec<_> = std::env::args_os().skip(1).collect();
    let result = match args.as_slice() {
        [wasm] => run(Path::new(wasm)),
        _ => Err("usage: bundle <the .wasm that cargo built>".into()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("bundle: {message}");
            ExitCode::FAILURE
        }
    }
}

/// Like `println!`, but does not panic if stdout is closed.
fn print_line(line: std::fmt::Arguments<'_>) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

fn run(wasm: &Path) -> Result {
    let config = BundleConfig::read()?;
    let assets = if config.assets_dir.is_dir() { files_below(&config.assets_dir)? } else { Vec::new() };
    let inputs = fingerprint(wasm, &config, &assets)?;

    // `hash.txt` and the fingerprint are kept beside the site, because they need not be served.
    let hashes_file = config.site_root.with_extension("hashes");
    let stamp = config.site_root.with_extension("stamp");
    if config.site_root.is_dir() && fs::read_to_string(&stamp).is_ok_and(|s| s == inputs) {
        print_line(format_args!("{} is up to date", config.site_root.display()));
        return publish_hashes(&read_to_string(&hashes_file)?);
    }

    // A separate folder, so that concurrent builds do not mix their files.
    let new = config.site_root.with_extension(format!("new.{}", std::process::id()));
    remove_dir(&new)?;
    let pkg = new.join(&config.site_pkg_dir);
    create_dir(&pkg)?;
    for asset in &assets {
        let to = new.join(asset.strip_prefix(&config.assets_dir).unwrap_or(asset));
        create_dir(to.parent().unwrap_or(&new))?;
        fs::copy(asset, &to).map_err(with_path(asset))?;
    }

    bindings(wasm, &config.output_name, &pkg)?;
    let bound = pkg.join(format!("{}_bg.wasm", config.output_name));
    optimise(&bound)?;
    let js = pkg.join(format!("{}.js", config.output_name));
    hash_snippets(&pkg, &js)?;
    let css = pkg.join(format!("{}.css", config.output_name));
    write(&css, read(&config.style_file)?)?;

    let mut hashes = String::new();
    for (kind, file) in [("js", js), ("wasm", bound), ("css", css)] {
        let hash = short_hash(&read(&file)?);
        let name = pkg.join(format!("{}.{hash}.{kind}", config.output_name));
        fs::rename(&file, &name).map_err(with_path(&file))?;
        hashes += &format!("{kind}: {hash}\n");
    }
    for file in files_below(&new)? {
        compress(&file)?;
    }

    // No step after this one is likely to fail.
    let old = config.site_root.with_extension("old");
    remove_dir(&old)?;
    if config.site_root.exists() {
        fs::rename(&config.site_root, &old).map_err(with_path(&config.site_root))?;
    }
    fs::rename(&new, &config.site_root).map_err(with_path(&new))?;
    remove_dir(&old)?;
    publish_hashes(&hashes)?;
    write(&hashes_file, hashes)?;
    write(&stamp, inputs)
}

impl BundleConfig {
    fn read() -> Result<Self> {
        let text = read_to_string(Path::new(CONFIG))?;
        let invalid = |e: &dyn std::fmt::Display| format!("{CONFIG}: {e}");
        let file: toml::Table = text.parse().map_err(|e| invalid(&e))?;
        file.get("package")
            .and_then(|package| package.get("metadata")?.get("leptos"))
            .ok_or_else(|| invalid(&"no section [package.metadata.leptos]"))?
            .clone()
            .try_into()
            .map_err(|e| invalid(&e))
    }
}

/// A hash of all inputs of the site, including this program.
fn fingerprint(wasm: &Path, config: &BundleConfig, assets: &[PathBuf]) -> Result<String> {
    let mut hash = Sha256::new_with_prefix(include_str!("bundle.rs"));
    let inputs = [Path::new(CONFIG), wasm, &config.style_file];
    for file in inputs.into_iter().chain(assets.iter().map(PathBuf::as_path)) {
        hash.update(file.as_os_str().as_encoded_bytes());
        hash.update(Sha256::digest(read(file)?));
    }
    Ok(hex::encode(hash.finalize()))
}

/// Writes `{name}.js`, `{name}_bg.wasm` and `snippets/`. The loader names no WASM file: Leptos' `HydrationScripts` passes it the
/// URL.
fn bindings(wasm: &Path, name: &str, pkg: &Path) -> Result {
    let mut bindgen = Bindgen::new();
    bindgen.input_path(wasm).out_name(name).remove_name_section(true).remove_producers_section(true);
    bindgen.web(true).and_then(|bindgen| bindgen.generate(pkg)).map_err(|e| format!("wasm-bindgen: {e:#}"))?;
    let script = pkg.join(format!("{name}.js"));
    let text = without_comments(&read_to_string(&script)?);
    write(&script, with_short_imports(text, &pkg.join(format!("{name}_bg.wasm")))?)
}

/// Shortens the names of the WASM's imports. The long ones occur in both files, each with a hash that does not compress.
fn with_short_imports(mut script: String, wasm: &Path) -> Result<String> {
    let mut module = walrus::Module::from_file(wasm).map_err(|e| format!("{}: {e:#}", wasm.display()))?;
    let imports = module.imports.iter_mut().filter(|import| import.module.ends_with("_bg.js"));
    for (n, import) in imports.enumerate() {
        let (short, long) = (format!("i{n}"), std::mem::take(&mut import.name));
        let (found, replacement) = (format!("\n{long}: "), format!("\n{short}: "));
        if script.matches(&found).count() != 1 {
            return Err(format!("the script does not name {long} once, at the beginning of a line"));
        }
        script = script.replacen(&found, &replacement, 1);
        import.name = short;
    }
    module.emit_wasm_file(wasm).map_err(|e| format!("{}: {e:#}", wasm.display()))?;
    Ok(script)
}

/// Removes indentation and full-line comments, a ninth of the script. wasm-bindgen writes no multi-line strings.
fn without_comments(script: &str) -> String {
    let lines = script.lines().map(str::trim).filter(|line| !line.is_empty() && !["/**", "*", "//"].iter().any(|start| line.starts_with(start)));
    lines.fold(String::new(), |text, line| text + line + "\n")
}

fn optimise(wasm: &Path) -> Result {
    let status = Command::new(WASM_OPT)
        .args(["-Oz", "--strip-debug", "--strip-producers"])
        .args(WASM_FEATURES)
        .arg(wasm)
        .arg("-o")
        .arg(wasm)
        .status()
        .map_err(|e| format!("{WASM_OPT}: {e} (is `npm ci` in end2end done?)"))?;
    if !status.success() {
        return Err(format!("wasm-opt ended with {status}"));
    }
    Ok(())
}

/// The JavaScript of crates has a constant file name, so its folder is named after its hash.
fn hash_snippets(pkg: &Path, js: &Path) -> Result {
    let snippets = pkg.join("snippets");
    if !snippets.is_dir() {
        return Ok(());
    }
    let mut all = Vec::new();
    for file in files_below(&snippets)? {
        all.extend(read(&file)?);
    }
    let hashed = format!("snippets.{}", short_hash(&all));
    fs::rename(&snippets, pkg.join(&hashed)).map_err(with_path(&snippets))?;
    let source = read_to_string(js)?;
    write(js, source.replace("./snippets/", &format!("./{hashed}/")))
}

/// Leptos looks for `hash.txt` in the folder of the running program: the server, a test, the benchmark.
fn publish_hashes(hashes: &str) -> Result {
    let own = std::env::current_exe().map_err(with_path(Path::new("bundle")))?;
    let target = own.ancestors().nth(2).unwrap_or(Path::new("target"));
    for profile in ["debug", "release"] {
        for folder in ["", "deps", "examples"] {
            let folder = target.join(profile).join(folder);
            let file = folder.join("hash.txt");
            if folder.is_dir() && fs::read_to_string(&file).ok().as_deref() != Some(hashes) {
                let new = folder.join("hash.txt.new");
                write(&new, hashes)?;
                fs::rename(&new, &file).map_err(with_path(&file))?;
            }
        }
    }
    Ok(())
}

/// Writes `.br` and `.gz` files where they are smaller.
fn compress(file: &Path) -> Result {
    let extension = file.extension().and_then(|e| e.to_str()).unwrap_or_default();
    if !COMPRESSED_EXTENSIONS.contains(&extension) {
        return Ok(());
    }
    let plain = read(file)?;

    let mut br = Vec::new();
    let params = brotli::enc::BrotliEncoderParams { quality: 11, lgwin: 22, size_hint: plain.len(), ..Default::default() };
    brotli::BrotliCompress(&mut plain.as_slice(), &mut br, &params).map_err(with_path(file))?;

    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gz.write_all(&plain).map_err(with_path(file))?;
    let gz = gz.finish().map_err(with_path(file))?;

    let name = file.file_name().unwrap_or_default().display();
    print_line(format_args!("{name}: {} bytes, {} br, {} gz", plain.len(), br.len(), gz.len()));
    for (packed, extension) in [(br, "br"), (gz, "gz")] {
        if packed.len() < plain.len() {
            write(&file.with_added_extension(extension), packed)?;
        }
    }
    Ok(())
}

fn short_hash(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes)).chars().take(16).collect()
}

/// All files below a folder, sorted.
fn files_below(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(with_path(folder))? {
        let path = entry.map_err(with_path(folder))?.path();
        if path.is_dir() {
            files.extend(files_below(&path)?);
        } else {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Adds the path to an I/O error.
fn with_path(path: &Path) -> impl Fn(io::Error) -> String + '_ {
    move |e| format!("{}: {e}", path.display())
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(with_path(path))
}

fn read_to_string(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(with_path(path))
}

fn write(path: &Path, content: impl AsRef<[u8]>) -> Result {
    fs::write(path, content).map_err(with_path(path))
}

fn create_dir(path: &Path) -> Result {
    fs::create_dir_all(path).map_err(with_path(path))
}

fn remove_dir(path: &Path) -> Result {
    if path.exists() {
        fs::remove_dir_all(path).map_err(with_path(path))?;
    }
    Ok(())
}
