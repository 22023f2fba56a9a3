// The part of d3-flame-graph 5 that the page uses; the package has no types of its own.
declare module 'd3-flame-graph' {
  import type { Selection } from 'd3-selection'

  export interface FlameGraph<Frame> {
    (selection: Selection<HTMLElement, Frame, null, undefined>): FlameGraph<Frame>
    width(px: number): this
    height(px: number): this
    cellHeight(px: number): this
    inverted(isInverted: boolean): this
    transitionDuration(ms: number): this
    minFrameSize(px: number): this
    setColorMapper(colour: (node: { data: Frame }, original: string) => string): this
    setLabelHandler(label: (node: { data: Frame }) => string): this
    onClick(handler: (node: { data: Frame }) => void): this
    onHover(handler: (node: { data: Frame }) => void): this
    update(data?: Frame): this
    destroy(): this
  }
  export default function flamegraph<Frame>(): FlameGraph<Frame>
}
