//! The commands of the README, typed as they stand there, or excused in the line before them.

use std::process::Command;

use e2e::{Block, blocks, is_skipped, lab_obstacle, repository};

#[test]
fn few_commands_are_excused_and_each_says_why() {
    let excused = ["README.md", "docs/MIGRATING.md"].into_iter().flat_map(blocks);
    let excused: Vec<Block> = excused.filter(|block| block.excuse.is_some()).collect();
    for block in &excused {
        println!("not run: {}: {}", block.place, block.excuse.as_deref().unwrap());
    }
    assert!(excused.len() <= 10, "{excused:#?}");
}

/// With the cargo and the target folder that have built this test: a reader's first build takes minutes.
#[test]
fn the_readme_does_what_it_says() {
    if is_skipped("the_readme_does_what_it_says", lab_obstacle()) {
        return;
    }
    for block in blocks("README.md").iter().filter(|block| block.excuse.is_none()) {
        let output = Command::new("sh")
            .args(["-euc", &block.script])
            .current_dir(repository())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {said}\n{complaint}", block.place);
    }
}
