import protobuf from 'protobufjs'

// As Paddle 2.2 declares it, as far as it is read here.
export const PROFILE: protobuf.Type = protobuf
  .parse(
    `syntax = "proto2"; package p;
     message MemCopy { optional uint64 bytes = 1; }
     message Event { optional string name = 1; optional uint64 start_ns = 2; optional uint64 end_ns = 3; optional int64 device_id = 5;
       optional int64 sub_device_id = 6; optional MemCopy memcopy = 7; optional int32 type = 8; optional string detail_info = 9; }
     message MemEvent { optional uint64 start_ns = 1; optional uint64 end_ns = 2; optional uint64 bytes = 3; optional int32 place = 4;
       optional uint64 thread_id = 5; optional uint32 device_id = 6; }
     message Profile { repeated Event events = 1; optional uint64 start_ns = 2; optional uint64 end_ns = 3; repeated MemEvent mem_events = 4; }`,
    { keepCase: true },
  )
  .root.lookupType('p.Profile')
