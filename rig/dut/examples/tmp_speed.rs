#![allow(clippy::all, clippy::disallowed_methods)]
use rig_dut::*; use rig_model::time::*; use rig_model::bench::Link; use pump_link::{Decoder,FromPump,Response,Status,State,Alarms,MAX_FRAME,Command,encode,decode_from_pump};
fn main(){
 let link=Link{protocol:"pump-link".into(),path:None,baud:1,reply_timeout:Span::milliseconds(500),transmissions:3,poll_every:Span::seconds(10)};
 for _ in 0..15 {
 let mut s=Session::new(&link,7).unwrap(); s.link_up(RigTime(0));
 let mut frames:Vec<Vec<u8>>=vec![]; let n=26_000;
 for i in 0..n { let mut buf=[0;MAX_FRAME]; frames.push(encode(&FromPump::Reply{session:7,seq:(i+1) as u16,response:Response::Status(Status{state:State::Infusing,alarms:Alarms::NONE,reservoir_nl:19_000_000,delivered_nl:1_000_000,basal_nl_h:20_833,bolus_left_nl:0,strokes:1000,resets:1,uptime_us:123456789})},&mut buf).unwrap().to_vec()); }
 let t=std::time::Instant::now(); let mut polls=0;
 for f in &frames { let now=s.next_deadline().unwrap(); s.tick(now); let _tx=s.poll_output();
  s.receive(now+Span::milliseconds(10),f); while let Some(o)=s.poll_output(){ if let Output::Report(_)=o {polls+=1;} } }
 println!("{polls} polls in {:?}", t.elapsed());
 let t=std::time::Instant::now(); let mut x=0usize; for f in &frames { let mut d=Decoder::new(); d.push(f,|m| x+=decode_from_pump(m.unwrap()).is_ok() as usize); } println!(" decode alone {:?} {x}",t.elapsed());
 let t=std::time::Instant::now(); for i in 0..n { let mut b=[0;MAX_FRAME]; x+=encode(&pump_link::Request{session:7,seq:i as u16,command:Command::Status},&mut b).unwrap().len(); } println!(" encode alone {:?} {x}",t.elapsed());
 }
}
