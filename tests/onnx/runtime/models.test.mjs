// Every model in the folder CHAINRULE_ONNX_FILES gives, in ONNX Runtime, the outputs that chainrule gave.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import ort from 'onnxruntime-node';

const folder = process.env.CHAINRULE_ONNX_FILES;
const kinds = {
  '<f4': ['float32', Float32Array], '<f8': ['float64', Float64Array],
  '<i8': ['int64', BigInt64Array], '|b1': ['bool', Uint8Array],
};

/** An array as numpy.save writes it. */
function npy(path) {
  const file = readFileSync(path), start = 10 + file.readUInt16LE(8);
  const header = file.toString('latin1', 10, start);
  const [type, List] = kinds[/'descr': '(...)'/.exec(header)[1]];
  const dims = /'shape': \(([^)]*)\)/.exec(header)[1].split(',').filter((s) => s.trim()).map(Number);
  return { type, dims, data: new List(Uint8Array.from(file.subarray(start)).buffer) };
}

const files = readdirSync(folder).sort();
const models = files.filter((name) => name.endsWith('.onnx'));

test('there are models', () => assert.ok(models.length > 50, `only ${models.length}`));

for (const model of models) {
  test(model, async () => {
    const name = model.slice(0, -'.onnx'.length);
    const arrays = (kind) => files.filter((file) => new RegExp(`^${name}\\.${kind}\\d+\\.npy$`).test(file))
      .sort((a, b) => parseInt(a.split(`.${kind}`)[1]) - parseInt(b.split(`.${kind}`)[1]))
      .map((file) => npy(join(folder, file)));
    const session = await ort.InferenceSession.create(join(folder, model), { logSeverityLevel: 3 });
    const feeds = {};
    arrays('in').forEach(({ type, data, dims }, i) => {
      feeds[session.inputNames[i]] = new ort.Tensor(type, data, dims);
    });
    const results = await session.run(feeds), outputs = arrays('out');
    assert.equal(session.outputNames.length, outputs.length);
    outputs.forEach((expected, i) => {
      const actual = results[session.outputNames[i]];
      assert.equal(actual.type, expected.type);
      assert.deepEqual(actual.dims, expected.dims);
      expected.data.forEach((number, at) => {
        const error = Math.abs(Number(actual.data[at]) - Number(number));
        assert.ok(error <= 1e-5 * (1 + Math.abs(Number(number))), `output ${i}[${at}]: ${actual.data[at]}, not ${number}`);
      });
    });
  });
}
