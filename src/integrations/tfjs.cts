import tfjs = require('./tfjs.js')
export = tfjs
