#![allow(clippy::all, clippy::disallowed_methods)]
use rig_metrology::*; use rig_model::time::*;
fn main(){ for _ in 0..15 { let mut r=RollingCount::new(Span::hours(24),RigTime(0),MAX_EDGES); let mut s=StrokeWindows::new(20,Span::seconds(2)); let mut p=PeakRate::new(10);
 let edges:Vec<i64>=(0..900_000i64).map(|i| (i/10)*172_800_000_000/2 + (i%10)*50_000_000+1).collect();
 let t=std::time::Instant::now(); for e in &edges { r.push(RigTime(*e),1);} println!("rolling {} ns/push {:?}",t.elapsed().as_nanos()/900_000, r.current_max());
 let t=std::time::Instant::now(); for e in &edges { s.push(RigTime(*e),1);} println!("strokes {} ns/push {:?}",t.elapsed().as_nanos()/900_000, s.strokes());
 let t=std::time::Instant::now(); for e in &edges { p.push(RigTime(*e));} println!("peak {} ns/push {:?}",t.elapsed().as_nanos()/900_000, p.peak());
}}
