import { describe, expect, it } from 'vitest'

import { bytesByTable } from '../../src/page/unpack.js'

describe('Base64 without the help of the browser', () => {
  it('is read whatever its length', () => {
    for (let length = 0; length < 300; length++) {
      const bytes = Uint8Array.from({ length }, (_, i) => (i * 7919 + length * 31) >> 3)
      expect(bytesByTable(Buffer.from(bytes).toString('base64'))).toEqual(bytes)
    }
  })
  it.each(['A', 'AAA', 'AAAAA', 'AA\nA', 'AA=A', '!AAA', 'AA-_', 'AAéA', 'AA\u{1f600}', '=AAA', '===='])(
    'refuses %j',
    text => {
      expect(() => bytesByTable(text)).toThrow('no Base64')
    },
  )
})
