// Measures that several drawings share, CSS pixels.

export const LABEL_FONT = '11px system-ui, sans-serif'
/** From the edge of a block to its name. */
export const LABEL_PADDING_PX = 4
/** Distance of the axis' ticks that leaves their labels apart. */
export const TICK_PX = 110
