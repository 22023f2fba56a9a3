const TILE_PX = 8
const patterns = new Map<string, CanvasPattern>()

/** Thin diagonal lines of a colour. */
export function hatching(context: CanvasRenderingContext2D, colour: string): CanvasPattern {
  let pattern = patterns.get(colour)
  if (pattern === undefined) {
    const tile = document.createElement('canvas')
    tile.width = tile.height = TILE_PX
    const brush = tile.getContext('2d')!
    brush.strokeStyle = colour
    brush.globalAlpha = 0.45
    brush.beginPath()
    // Thrice, so that the corners of the tile have their part of the neighbours' lines.
    for (const shift of [-TILE_PX, 0, TILE_PX]) {
      brush.moveTo(shift, TILE_PX)
      brush.lineTo(shift + TILE_PX, 0)
    }
    brush.stroke()
    pattern = context.createPattern(tile, 'repeat')!
    patterns.set(colour, pattern)
  }
  return pattern
}
