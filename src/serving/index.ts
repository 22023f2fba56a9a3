// opscope/serving: request tracing and stage timing of inference servers and their clients.

export type {
  GrpcCaller as SettingsGrpcCall,
  NetworkAccess as SettingsAccess,
  Refusals as SettingsRefusals,
} from '../network-access.js'
export { type GrpcClientInterceptor, grpcClientProfiler } from './grpc-client-profiler.js'
export type { GrpcCallFacts, GrpcHookOptions, GrpcInterceptor } from './grpc-server.js'
export type { FastifyPlugin, Middleware } from './http-hooks.js'
export type { HttpHookOptions } from './http-request.js'
export type { ComputeStages, InferStages } from './infer-stages.js'
export { Inference, type InferenceOptions } from './inference.js'
export {
  type LiveSnapshot,
  type LiveStages,
  type LiveStagesOptions,
  liveStages,
  type ModelStages,
  type StageStatistics,
} from './live-stages.js'
export type { SeriesLabels } from './model-series.js'
export type { PipelineOp, PipelineStep, PipelineSummary } from './profile-log/pipeline.js'
export { profileReport } from './profile-log/report-text.js'
export type { ProcessRow, ProfileSummary, StageRow } from './profile-log/statistics.js'
export type { ProfileOutput } from './profile-output.js'
export { type ClientProfilerOptions, profiledFetch } from './profiled-fetch.js'
export {
  type MetricRegistry,
  type PrometheusMetrics,
  type PrometheusOptions,
  prometheusMetrics,
} from './prometheus.js'
export { type RequestFacts, TracedRequest } from './request.js'
export { type InferenceSummary, type RequestSummary, STAGES, type Stage } from './request-stages.js'
export { addTraceSettingService, type SettingsGrpcServer } from './settings-grpc.js'
export { type TraceSettingsHandler, traceSettingsHandler } from './settings-http.js'
export { paddleShowProfile, summarizeProfileLog, writePaddleTimeline } from './show-profile.js'
export { type StageEvent, StageTimer, type StageTimerOptions, stage } from './stage-timer.js'
export type { Outcome, Protocol } from './stamps.js'
export {
  type DataFlowTrace,
  type EnsembleSummary,
  type IncompleteTraces,
  type LineFigures,
  type LineName,
  type LineSummary,
  type ModelSummary,
  type RequestTrace,
  requestTraceText,
  type SummarizeOptions,
  type SummaryWarning,
  summarizeTraces,
  type TraceRole,
  TraceSummary,
  type TraceSummaryData,
  type TritonSummary,
  type TritonSummaryOptions,
  type TritonVersion,
  tritonSummary,
} from './summary/index.js'
export type { TensorLike } from './tensor-dump.js'
export {
  TraceFile,
  type TraceFileCounts,
  type TraceFileOptions,
  type TraceRecord,
  type TraceTensor,
} from './trace-file.js'
export {
  type ModelSettingsStart,
  type ParentDecision,
  type TraceMode,
  type TraceSetting,
  TraceSettingError,
  type TraceSettingState,
  TraceSettings,
  type TraceSettingsStart,
} from './trace-settings.js'
export { ServingTracer, servingTracer, type TracerCounts } from './tracer.js'
export type { ServingTracerOptions } from './tracer-options.js'
