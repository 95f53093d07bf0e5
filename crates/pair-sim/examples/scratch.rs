use pair_sim::*;
use std::time::Duration;
fn main() {
    let which: u32 = std::env::args().nth(1).unwrap().parse().unwrap();
    if which == 1 {
        let mut w = World::settled(Settings::default(), 2).traced();
        w.crash_host(A);
        w.run_for(Duration::from_millis(1500));
        println!("{}", w.trace());
    } else {
        let mut w = World::settled(Settings::default(), 3);
        w.crash(A);
        w.run_for(Duration::from_secs(600));
        let mut w = w.traced();
        w.set_service(A, Service::Gone);
        w.run_for(Duration::from_secs(70));
        println!("{}", w.trace());
        println!("{:#?}", w.view(B));
    }
}
