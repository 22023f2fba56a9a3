import onnxruntime = require('./onnxruntime.js')
export = onnxruntime
