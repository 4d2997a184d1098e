//! Makes the seeds: `seeds MOST TO FOLDER...` cuts every file in the folders to its first MOST bytes, puts them into TO, and beside them the
//! data sets of some deflated, and of every hostile family a small file.

use std::path::{Path, PathBuf};
use std::{env, fs};

use dicomlake_fuzz::families::FAMILIES;
use dicomlake_fuzz::writing::{DEFLATED, deflate, meta};

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [most, to, folders @ ..] = arguments.as_slice() else {
        panic!("seeds MOST TO FOLDER...");
    };
    let most: usize = most.parse().expect("bytes");
    fs::create_dir_all(to).expect("a folder to write to");
    let mut made = 0;
    let mut put = |mut bytes: Vec<u8>| {
        bytes.truncate(most);
        fs::write(Path::new(to).join(format!("{made:05}")), bytes).expect("a file to write");
        made += 1;
    };
    for (number, path) in folders.iter().flat_map(|folder| files(Path::new(folder))).enumerate() {
        let Ok(bytes) = fs::read(&path) else { continue };
        if number % 8 == 0 && bytes.get(128..132) == Some(b"DICM") {
            // Behind a meta of any length: most of these data sets begin in the middle of something.
            let inside = &bytes[132.min(bytes.len())..bytes.len().min(most * 2)];
            put([meta(DEFLATED), deflate(inside)].concat());
        }
        put(bytes);
    }
    for (_, family) in FAMILIES {
        put(family(most.min(6000)));
    }
    println!("{made} seeds");
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = vec![];
    let mut open = vec![folder.to_owned()];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(fs::read_dir(path).expect("a folder").map(|entry| entry.expect("an entry").path()));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}
