tapwise::embed_tuning!("broken-tuning.txt");

fn main() {}
