export { type BatchOptions, BatchProfiler, profileBatches } from './batches.js'
export type { Category, GpuKind, MemoryKind, Role } from './binding.js'
export {
  type ArrowOptions,
  Capture,
  type CaptureThread,
  type CaptureWarning,
  type CounterValue,
  type ExportOptions,
  type Mark,
  type ReportOptions,
  type SpanColumns,
} from './capture.js'
export type { CategoryChoice, CategoryGroup } from './categories.js'
export { diffCaptures } from './diff-captures.js'
export { type Diagnosis, diagnose } from './doctor.js'
export { OpscopeError, type OpscopeErrorCode } from './errors.js'
export type { ExportFormat, Written } from './export/index.js'
export { loadCapture } from './load-capture.js'
export { type MergeOptions, mergeCaptures } from './merge-captures.js'
export type { AsyncRow } from './model/async-rows.js'
export type { CopySummary } from './model/copies.js'
export type { DeviceRow } from './model/devices.js'
export type { DiffOptions, DiffSortedKey } from './model/diff/options.js'
export type { OverallRow } from './model/diff/overall.js'
export type { BeforeAfter, CopyDiffRow, DiffChange, DiffFigures, DiffRow, KernelDiffRow } from './model/diff/rows.js'
export type { Doubt, Drift, Verdict } from './model/diff/verdict.js'
export type { Finding } from './model/findings.js'
export type { TableOptions } from './model/furiosa.js'
export type { GapRow } from './model/gaps.js'
export type { KernelRow } from './model/kernels.js'
export type { MemoryRow } from './model/memory.js'
export type { OpRow, OpRowsOptions } from './model/ops.js'
export type { Overhead } from './model/overhead.js'
export type { CaptureProcess } from './model/processes.js'
export { Summary, type SummaryOptions } from './model/summary.js'
export type { SyncRow } from './model/syncs.js'
export { type ColumnSpec, type ColumnType, type PrintOptions, type Row, Table, type Value } from './model/table.js'
export type { ProfilerOptions, SortedKey, State, TracerOption } from './options.js'
export {
  isProfilerEnabled,
  profile,
  profiler,
  resetProfiler,
  type StopProfilerOptions,
  startProfiler,
  stopProfiler,
  stopProfilerSync,
} from './profiler.js'
export { extract, inject, type TraceCarrier } from './propagation.js'
export {
  type Attributes,
  type AttributeValue,
  counter,
  mark,
  type Op,
  type OpOptions,
  op,
  type RecordOptions,
  record,
  recordSync,
  type Span,
  type SpanContext,
  span,
  wrap,
} from './record.js'
export { type IteratorOptions, recordIterator } from './record-iterator.js'
export { CaptureDiff } from './report/capture-diff.js'
export type { DiffReportOptions } from './report/diff-report.js'
export type { CaptureRows } from './row-types.js'
export { buildCapture } from './rows.js'
export { currentSession, type Session, type SessionState, type SessionStats } from './session.js'
export { type ScopedOptions, startSession } from './start-session.js'
export { writeTimeline } from './timeline.js'
export { VERSION as version } from './version.js'
