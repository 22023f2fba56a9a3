// The script language of the fake GPU: one op a line, # starts a comment line
// or ends a line; texts with blanks in "quotes" (\" \\ \n).
//
// Amounts: 250, 5us, 3ms, 2s; 4K, 2M, 1G; 0x1F; signs allowed.
// Moments (at=): +N is N ns after the script was started, a bare N is absolute
// host ns. Without at=, host ops follow each other on their thread, and GPU ops
// on their stream, `gap` (2us) after the end of the call that launched them.
//
// Clock
//   clock N | clock live      scripted at host ns N, or the machine's clocks; the script starts anew
//   epoch N                   scripted: device stamps are host ns + N
//   clockstep N               device stamps jump by N from here on
//   skew N                    stamps made by the GPU are off by N
//   sleep N                   time passes (really passes, while live)
// Host
//   thread N                  following ops run there; 0 is the caller of the script
//   threadexit                the thread's buffer is completed on it
//   api NAME|ID [driver] [at= dur=1us corr= result= tid=]
//   sync device|context|stream|event|wait [at= dur= stream= ctx= corr= name=]
//                             call and record; lasts until the GPU is done, unless dur=
//   marker NAME [at= dur= domain= id=]      a range; dur=0: an instant
//   overhead KIND [at= dur=]
//   external KIND ID          external correlation of the next call
//   memory alloc|free [bytes= address= kind=device at= async device= ctx= stream= corr=]
// GPU; belongs to the last call of its thread unless corr=
//   kernel NAME [grid=x,y,z block= cluster= regs= static= dynamic= executed= local= queued= submitted=]
//   memcpy DIR [FROM [TO]] [bytes= count= async]   DIR: htod dtoh dtod htoh htoa atoh atoa atod dtoa ptop
//   unknown peer FROM-DEVICE TO-DEVICE [bytes= async]      MEMCPY2 memset [bytes= value= memory=device async]
//     memories: unknown pageable pinned device array managed device-static managed-static
//   all: at= gap= dur=5us stream= ctx= device= corr= node= graph=, and what is odd about it:
//     incomplete (end 0, only a forced flush gives it)   running (until its context is synchronised)
//     zerotime  negative  nullname  hugename=N  twice
//   graphlaunch [graph=1 n=0 node-dur=1us name=node at= dur= corr= api=]
//                             the following GPU ops are its nodes, up to the next call or graphend; one
//                             record per launch where the client asked for graph traces
//   burst N [threads=1 name=burst dur=1us]  N launches, each with a kernel, on N threads at once
//   place [device= ctx= stream=]            for the ops that follow
//   deliver now|worker|flush                who writes GPU records, and when
// World
//   context ID [device= null=7]  stream ID [ctx= flag=]  device ID [name= sms= memory= major= minor= mig]
//   name stream|context|device|thread ID TEXT [ctx= device=]
//   nocontexts  contextdestroy ID  devicereset ID  finish [ctx=]
// Buffers and losses
//   flush [forced]            as another thread of the application would
//   quiet                     the client's unforced flushes find nothing while this script runs
//   complete [worker]         this thread's buffer, full or not
//   limit N                   buffers count as full after N bytes
//   fullon worker|caller      where full buffers are completed
//   drop N [ctx=]  garbage N  unknown KIND SIZE  truncate N  duplicate
//   reorder  lateapi          the next call is recorded after its GPU op; only after their buffer
//   completeTwice  completeAfterDisable  callbackDuringUnsubscribe
//   wrap                      the next correlation id is 0xFFFFFFF0
// Client
//   errors "ENTRY..."         error_plan.h; "errors" alone: none any more
//   holder [NAME]             another tool is subscribed
#pragma once

#include <string>
#include <string_view>

namespace fakegpu {

// Runs on the calling thread. 0, or the number of the first bad line.
int RunScript(std::string_view text, std::string* error);

}  // namespace fakegpu
