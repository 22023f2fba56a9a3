// Columns that several tables have.
import { bytesText, countText, durationText, percentText, rateText } from '../../model/figure-text.js'
import { printedPath, printedText } from '../../model/names.js'
import type { DataColumn } from './data-table.js'
import { element, shareBar } from './dom.js'

type Of<Row, T> = (row: Row) => T

export function textColumn<Row>(head: string, text: Of<Row, string>, isLong = false): DataColumn<Row> {
  return { head, value: text, cell: row => printedText(text(row)) || '–', isLong }
}
/** Names of kernels: the types in them are long. */
export function codeColumn<Row>(head: string, text: Of<Row, string>): DataColumn<Row> {
  const cell = (row: Row): HTMLElement => {
    const name = printedText(text(row))
    return element('code', { class: 'signature', title: name }, name)
  }
  return { head, value: text, cell }
}
export function pathColumn<Row>(head: string, path: Of<Row, readonly string[]>, title?: string): DataColumn<Row> {
  const value = (row: Row): string => printedPath(path(row))
  return { head, value, cell: row => value(row) || '–', isLong: true, ...(title === undefined ? {} : { title }) }
}
export function countColumn<Row>(head: string, count: Of<Row, number>, title?: string): DataColumn<Row> {
  return { head, value: count, cell: row => countText(count(row)), ...(title === undefined ? {} : { title }) }
}
export function timeColumn<Row>(head: string, ns: Of<Row, number>, title?: string): DataColumn<Row> {
  return { head, value: ns, cell: row => durationText(ns(row)), ...(title === undefined ? {} : { title }) }
}
export function bytesColumn<Row>(head: string, bytes: Of<Row, number>): DataColumn<Row> {
  return { head, value: bytes, cell: row => (bytes(row) > 0 ? bytesText(bytes(row)) : '–') }
}
export function rateColumn<Row>(head: string, rate: Of<Row, number>, title?: string): DataColumn<Row> {
  return { head, value: rate, cell: row => rateText(rate(row)) || '–', ...(title === undefined ? {} : { title }) }
}
/** A share, 0..1, with its bar. */
export function shareColumn<Row>(head: string, ratio: Of<Row, number>, title?: string): DataColumn<Row> {
  const cell = (row: Row): HTMLElement => element('span', {}, `${percentText(ratio(row))} `, shareBar(ratio(row)))
  return { head, value: ratio, cell, ...(title === undefined ? {} : { title }) }
}
