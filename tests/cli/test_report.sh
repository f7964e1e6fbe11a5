# The report page in a real browser: no errors, no requests, a table that sorts, pictures that show.
. "$(dirname "$0")/lib.sh"
browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome) ||
    skip "there is no chromium"
demo=$data/demo
mkdir -p images labels
for name in 76c44d1addac 01d44a26f668; do
    cp "$nuclei/$name.png" "images/$name.png"
    cp "$demo/${name}_seg_labels.png" "labels/$name.png"
done
# A name that would break a page which did not escape it.
cat >classes.json <<'END'
["<b>\"back\" & ground</b></script>", "nucleus", "border"]
END
expect 0 eval folder --images images --labels labels --classes classes.json --scale none --mode whole \
    --quiet --report report.html
if grep -qE '(src|href)="?(https?:|//|file:)' report.html; then fail "the page asks for other files"; fi

# The page watches itself and leaves what it saw in an element of its own.
cat >head.txt <<'END'
<script>
window.problems = [];
addEventListener("error", e => problems.push("error: " + (e.message || e.target.outerHTML)), true);
addEventListener("securitypolicyviolation", e => problems.push("asked for " + e.blockedURI));
</script>
END
cat >tail.txt <<'END'
<script>
addEventListener("load", () => {
  const out = { problems };
  const table = document.getElementById("classes");
  const values = column => [...table.tBodies[0].rows].map(r => r.cells[column].dataset.v);
  const heads = [...table.tHead.rows[0].cells];
  const iou = heads.findIndex(h => h.textContent === "IoU");
  heads[iou].querySelector("button").click();
  out.down = values(iou).map(Number);
  heads[iou].querySelector("button").click();
  out.up = values(iou).map(Number);
  heads[0].querySelector("button").click();
  out.names = values(0);
  const images = [...document.images];
  out.images = images.length;
  out.shown = images.filter(i => i.complete && i.naturalWidth > 0).length;
  const canvas = document.querySelector(".matrix canvas");
  const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  out.drawn = pixels.some(v => v !== 255);
  const area = canvas.getBoundingClientRect();
  canvas.dispatchEvent(new PointerEvent("pointermove", { clientX: area.left + 2, clientY: area.top + 2 }));
  out.told = document.querySelector(".matrix output").textContent;
  out.requests = performance.getEntriesByType("resource").filter(r => !r.name.startsWith("data:")).length;
  out.bold = document.querySelectorAll("#classes b").length;
  const sorted = (list, sign) => list.every((v, i) => i === 0 || sign * (v - list[i - 1]) >= 0);
  const checks = {
    problems: out.problems.length === 0, requests: out.requests === 0,
    sorts: sorted(out.down, -1) && sorted(out.up, 1) && out.up.length === 3 && out.up[0] !== out.up[2],
    words: out.names[0].startsWith("<b>") && out.names[1] === "border",
    images: out.images === 8 && out.shown === 8, drawn: out.drawn,
    told: out.told.includes("% of the pixels"), escaped: out.bold === 0 };
  const seen = document.createElement("p");
  seen.id = "seen";
  seen.textContent = Object.entries(checks).map(([k, v]) => `[${k}:${v ? "yes" : "no"}]`).join("") +
    " " + JSON.stringify(out);
  document.body.append(seen);
});
</script>
END
sed -e '/<title>/{
r head.txt
N
}' -e '/^<\/body>/{
r tail.txt
}' report.html >watched.html
last="chromium watched.html"
timeout -s KILL 120 "$browser" --headless --no-sandbox --disable-gpu --disable-dev-shm-usage \
    --user-data-dir="$work/profile" --virtual-time-budget=10000 --dump-dom "file://$work/watched.html" \
    >dom.html 2>browser.log || fail "the browser ended with $?: $(tail -n 3 browser.log)"
seen=$(grep -o '<p id="seen">.*' dom.html | head -c 2000)
for check in problems requests sorts words images drawn told escaped; do
    case $seen in
    *"[$check:yes]"*) pass ;;
    *) fail "$check: $seen" ;;
    esac
done
finish
