import { expect } from 'chai';
import { jsonView } from '../../../../src/console/layout/json-view.ts';

const view = (text: string) => String(jsonView('body', text));

describe('jsonView', () => {
  it('shows JSON as an outline, and the text itself below it', () => {
    const html = view('{"a":{"b":1.50}}');
    expect(html).to.match(/class="key">&quot;b&quot;<\/span>: <span>1\.50</);
    expect(html).to.include('>\n{&quot;a&quot;:{&quot;b&quot;:1.50}}</pre>');
  });

  it('shows other text as it is, also its first line feed', () => {
    expect(view('\n<b>\n')).to.match(/^<pre [^>]*>\n\n&lt;b&gt;\n<\/pre>$/);
  });

  it('folds the inner values of a large text, and leaves those of a small one unfolded', () => {
    expect(view('[[[[1]]]]').match(/<details open/g)).to.have.length(4);
    const large = view(`[[[[${'1,'.repeat(100)}1]]]]`);
    expect(large.match(/<details open/g)).to.have.length(2);
  });

  it('stops after 1,000 values, and says so', () => {
    const html = view(JSON.stringify(Array.from({ length: 2_000 }, () => 7)));
    expect(html.match(/<span>7<\/span>/g)).to.have.length(999);
    expect(html).to.include('the rest is cut off');
  });

  it('cuts a long string in the outline, and says how long it is', () => {
    const html = view(JSON.stringify({ a: 'x'.repeat(5_000) }));
    expect(html).to.include('x… (5002 characters)');
    expect(html).to.include('x'.repeat(5_000));
  });
});
