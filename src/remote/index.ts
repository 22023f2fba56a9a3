// opscope/capture: this process, captured by TensorBoard, by tf.profiler and over HTTP.

export type { GrpcCaller, NetworkAccess, Refusals } from '../network-access.js'
export type { CaptureAccess } from './access.js'
export {
  type CaptureFile,
  type CaptureRemoteOptions,
  type ConnectionOptions,
  captureRemote,
  type HostCapture,
  type HostFailure,
  type HostFailureReason,
  type HostProgress,
  type RemoteCapture,
  type ToolData,
} from './capture-client.js'
export type { CaptureLimits } from './capture-limits.js'
export { CaptureServer, type CaptureServerOptions, type CaptureTls, startCaptureServer } from './capture-server.js'
export {
  addProfilerService,
  type CaptureGrpcServer,
  type MountedProfiler,
  type ProfilerServiceOptions,
} from './grpc-service.js'
export { type CaptureHandler, type CaptureHandlerOptions, captureHandler } from './http-handler.js'
export { type LiveDevice, type LiveFrame, type LiveRow, type WatchOptions, watchLive } from './live-client.js'
export { addLiveService, type LiveGrpcServer, type LiveServiceOptions, type MountedLive } from './live-service.js'
export type { CaptureServiceOptions } from './profiler-service.js'
