using System.Text.RegularExpressions;
using System.Xml.Linq;
using Microsoft.Playwright;
using Unweave.Apps.Tests.Web;
using Unweave.Learn;

namespace Unweave.Apps.Tests.Learn;

/// <summary>The formulas of the explainer: how they are written, and how they look in a browser.</summary>
public sealed class FormulaTests
{
    private const string Fences = "()[]|‖";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>The chapters' addresses.</summary>
    public static TheoryData<string> Chapters => [.. Chapter.All.Select(chapter => chapter.Address)];

    [Theory]
    [MemberData(nameof(Chapters))]
    public async Task Fences_do_not_stretch_and_functions_are_set_off(string address)
    {
        foreach (XElement formula in await Formulas(address))
        {
            foreach (XElement fence in formula.Descendants("mo").Where(mo => mo.Value.Length == 1 && Fences.Contains(mo.Value[0])))
                Assert.True(fence.Attribute("stretchy")?.Value is "false" or "true", $"{address}: a fence may stretch in {formula.Value}");

            // "ln x", not "lnx".
            foreach (XElement function in formula.Descendants("mi").Where(mi => mi.Value is "ln" or "sign"))
            {
                Assert.True(function.ElementsAfterSelf().FirstOrDefault()?.Name.LocalName is "mspace",
                    $"{address}: no space after {function.Value} in {formula.Value}");
            }
        }
    }

    [Fact]
    public async Task The_math_font_is_served_with_its_license_and_used()
    {
        await using Site site = await Site.Learn();
        byte[] font = await site.Client.GetByteArrayAsync(
            new Uri("/_content/Unweave.Web/learn/fonts/math.woff2", UriKind.Relative), Cancellation);
        Assert.Equal("wOF2"u8.ToArray(), font[..4]);
        Assert.InRange(font.Length, 10_000, 60_000);
        string license = await site.Client.GetStringAsync(
            new Uri("/_content/Unweave.Web/learn/fonts/LICENSE.txt", UriKind.Relative), Cancellation);
        Assert.Contains("SIL OPEN FONT LICENSE", license, StringComparison.Ordinal);

        await using Browser browser = await Browser.Open(site, "/learn/kl");
        Assert.True(await browser.Page.EvaluateAsync<bool>("""
            async () => {
              await document.fonts.ready;
              return [...document.fonts].some(font => font.family.includes('Unweave Math') && font.status === 'loaded');
            }
            """));
        browser.AssertClean();
    }

    // The defect was seen with a math font only: there a parenthesis grew to the height of the fraction in its row.
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_parenthesis_is_no_taller_than_the_letters_beside_it_and_equations_do_not_overlap(bool font)
    {
        await using Site site = await Site.Learn();
        await using Browser browser = await Browser.Open(site, "/learn/kl");
        if (!font) await browser.Page.RouteAsync("**/math.woff2", route => route.AbortAsync());
        int stretched = 0;
        foreach (string chapter in Chapter.All.Select(chapter => chapter.Address))
        {
            await browser.Page.GotoAsync(new Uri(site.Address, chapter).AbsoluteUri);
            int[] measured = await browser.Page.EvaluateAsync<int[]>("""
                async () => {
                  await document.fonts.ready;
                  const fences = [...document.querySelectorAll('math mo')].filter(mo => '()[]|‖'.includes(mo.textContent));
                  const tall = () => fences.filter(
                      mo => mo.getBoundingClientRect().height > 2.2 * parseFloat(getComputedStyle(mo).fontSize)).length;
                  const boxes = [...document.querySelectorAll('.equation')]
                      .map(e => [...e.querySelectorAll('math')].map(m => m.getBoundingClientRect()));
                  const overlap = boxes.filter(all => all.some((a, i) => all.slice(i + 1).some(b =>
                      a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1)));
                  const before = tall();
                  for (const mo of fences) mo.removeAttribute('stretchy');
                  return [before, overlap.length, tall()];
                }
                """);
            Assert.True(measured[0] == 0, $"{chapter}: {measured[0]} fences are as tall as their row");
            Assert.True(measured[1] == 0, $"{chapter}: {measured[1]} equations overlap");
            stretched += measured[2];
        }

        // The measure sees what it looks for: fences that may stretch do, with the font.
        if (font) Assert.True(stretched > 20, $"{stretched} fences stretch where they may");
    }

    [Fact]
    public async Task A_formula_that_scrolls_on_a_phone_can_be_reached_with_the_keyboard()
    {
        await using Site site = await Site.Learn();
        await using Browser browser = await Browser.Open(site, "/learn/kl-elsewhere", width: 390);
        (int scrolling, int reachable, int idle) = await Counted(browser.Page);
        Assert.True(scrolling > 0 && reachable == scrolling && idle == 0, $"{scrolling} scroll, {reachable} of them are reachable");
        await browser.Page.SetViewportSizeAsync(1400, 900);
        await browser.Page.WaitForFunctionAsync("() => !document.querySelector('.equation[tabindex]')");
        browser.AssertClean();
    }

    private static async Task<(int Scrolling, int Reachable, int Idle)> Counted(IPage page)
    {
        int[] counts = await page.EvaluateAsync<int[]>("""
            async () => {
              await document.fonts.ready;
              await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
              const all = [...document.querySelectorAll('.equation')], scrolls = all.filter(e => e.scrollWidth > e.clientWidth);
              return [scrolls.length, scrolls.filter(e => e.tabIndex === 0).length,
                  all.filter(e => !scrolls.includes(e) && e.hasAttribute('tabindex')).length];
            }
            """);
        return (counts[0], counts[1], counts[2]);
    }

    private static async Task<IReadOnlyList<XElement>> Formulas(string address)
    {
        await using Site site = await Site.Learn();
        string page = await site.Client.GetStringAsync(new Uri(address, UriKind.Relative), Cancellation);
        return [.. Regex.Matches(page, "<math.*?</math>", RegexOptions.Singleline, TimeSpan.FromSeconds(5))
            .Select(match => XElement.Parse(match.Value.Replace("&#xA0;", " ", StringComparison.Ordinal)
                .Replace("&nbsp;", " ", StringComparison.Ordinal)))];
    }
}
