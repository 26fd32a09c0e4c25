use ndarray::Array4; use tapwise::*;
tapwise::specialize! { { delta: 1, c_in: 3, c_out: 16 } }
fn main(){ let f=Array4::<f32>::zeros((3,3,3,16)); let l=Conv2d::builder(f.view()).build().unwrap(); println!("{}", l.explain([480,640]));
 let f=Array4::<f32>::zeros((3,3,64,128)); let l=Conv2d::builder(f.view()).padding(Padding::Valid).build().unwrap(); println!("{}", l.explain([56,56])); println!("{}", l.explain([2,56]));
 let f=Array4::<f32>::zeros((3,3,1,32)); let l=Conv2d::builder(f.view()).groups(32).build().unwrap(); println!("{}", l.explain([112,112]));
 println!("{}", Conv2d::builder(f.view()).strategy(Strategy::Specialized).build().unwrap_err()); println!("{}", Conv2d::builder(f.view()).groups(3).build().unwrap_err());
}
