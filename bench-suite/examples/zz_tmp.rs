fn main(){ let t=std::time::Instant::now(); let n:Vec<&str>=tapwise_bench::builds::SHAPES.iter().map(|s|s.0).collect();
 match tapwise_bench::builds::measure(&n,3,&|_|{}) { Ok(b)=>for b in b{println!("{b:?}")}, Err(e)=>println!("ERR {e}") } println!("{:?}",t.elapsed()); }
