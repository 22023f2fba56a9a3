import type { PageModel } from '../../src/page/page-model.js'

/** The JSON of a page, as its script reads it. */
export function modelIn(html: string): PageModel {
  const [, json] = /<script type="application\/json" id="model">([^<]*)<\/script>/.exec(html) ?? []
  if (json === undefined) throw new Error('The page has no model.')
  return JSON.parse(json)
}
