// Bessel functions, scaled erfc and the zeta function: their accuracy, and that of their derivatives, against
// mpmath's numbers, and their ends.

#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "chainrule/autograd.h"
#include "chainrule/functions.h"
#include "support.h"

namespace chainrule::test {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

/// What mpmath gives, of one number or two.
struct Known {
  double x, y;
};
struct KnownOfTwo {
  double a, x, y;
};

double units(double got, double right) {
  return std::abs(got - right) / (std::nextafter(std::abs(right), infinity) - std::abs(right));
}

void expect_known(const std::string& name, const std::function<Tensor(const Tensor&)>& f,
                  const std::vector<Known>& all, double most = 4) {
  for (const auto& [x, y] : all) {
    EXPECT_LE(units(f(tensor(x)).item(), y), most) << name << ' ' << x;
    const double single = f(cast(tensor(x), DType::float32)).item();
    if (static_cast<double>(static_cast<float>(x)) == x && std::abs(y) < 1e38 && std::abs(y) > 1e-37) {
      EXPECT_EQ(single, static_cast<double>(static_cast<float>(y))) << name << ' ' << x << " in float32";
    }
  }
}
void expect_known(const std::string& name, Tensor (*f)(const Operand&, const Operand&),
                  const std::vector<KnownOfTwo>& all, double most = 4) {
  for (const auto& [a, x, y] : all) EXPECT_LE(units(f(a, x).item(), y), most) << name << ' ' << a << ' ' << x;
}

/// The derivative of this order.
std::function<Tensor(const Tensor&)> derivative(Tensor (*f)(const Operand&), int order) {
  return [=](const Tensor& at) {
    const Tensor x = variable(at);
    Tensor y = f(x);
    for (int i = 0; i < order; ++i) y = gradients(y, {x}, {.create_graph = true}).at(x);
    return y.detach();
  };
}

TEST(BesselFunctions, of_both_kinds_have_the_digits_of_mpmath) {
  expect_known("bessel_j0", bessel_j0,
               {{1e-10, 1.0},
                {0.5, 0.9384698072408129},
                {2.40625, -0.000739276482217002},
                {5.0, -0.1775967713143383},
                {30.0, -0.08636798358104021},
                {1000.0, 0.024786686152420176},
                {1000000.0, 0.00033104301373987376}});
  expect_known("of bessel_j0", derivative(bessel_j0, 1),
               {{0.5, -0.2422684576748739},
                {2.40625, -0.5188396479424237},
                {5.0, 0.32757913759146523},
                {30.0, 0.11875106261662294},
                {1000.0, -0.004728311907089524},
                {1000000.0, 0.000725968356813763}});
  expect_known("of bessel_j0", derivative(bessel_j0, 2),
               {{0.5, -0.4539328918910651}, {30.0, 0.08240961482715278}});
  expect_known("bessel_j1", bessel_j1,
               {{1e-10, 5e-11},
                {0.5, 0.2422684576748739},
                {2.40625, 0.5188396479424237},
                {5.0, -0.32757913759146523},
                {30.0, -0.11875106261662294},
                {1000.0, 0.004728311907089524},
                {1000000.0, -0.000725968356813763}});
  expect_known("of bessel_j1", derivative(bessel_j1, 1),
               {{0.5, 0.4539328918910651},
                {2.40625, -0.21636094835439307},
                {5.0, -0.11208094379604526},
                {30.0, -0.08240961482715278},
                {1000.0, 0.024781957840513087},
                {1000000.0, 0.00033104373970823054}});
  expect_known("of bessel_j1", derivative(bessel_j1, 2),
               {{0.5, -0.18106041075750862}, {30.0, 0.12136610415239844}});
  expect_known("bessel_y0", bessel_y0,
               {{1e-10, -14.732516272697241},
                {0.5, -0.44451873350670656},
                {2.40625, 0.5097775528800095},
                {5.0, -0.30851762524903376},
                {30.0, -0.11729573168666403},
                {1000.0, 0.0047159179776228135},
                {1000000.0, -0.0007259685223351791}});
  expect_known("of bessel_y0", derivative(bessel_y0, 1),
               {{0.5, 1.471472392670243},
                {2.40625, -0.10341189729362668},
                {5.0, -0.14786314339122683},
                {30.0, -0.08442557066174723},
                {1000.0, 0.024784331292351778},
                {1000000.0, 0.00033104337672417626}});
  expect_known("of bessel_y0", derivative(bessel_y0, 2),
               {{0.5, -2.4984260518337797}, {30.0, 0.12010991737538894}});
  expect_known("bessel_y1", bessel_y1,
               {{1e-10, -6366197723.675814},
                {0.5, -1.471472392670243},
                {2.40625, 0.10341189729362668},
                {5.0, 0.14786314339122683},
                {30.0, 0.08442557066174723},
                {1000.0, -0.024784331292351778},
                {1000000.0, -0.00033104337672417626}});
  expect_known("of bessel_y1", derivative(bessel_y1, 1),
               {{0.5, 2.4984260518337797},
                {2.40625, 0.466801179978762},
                {5.0, -0.33809025392727915},
                {30.0, -0.12010991737538894},
                {1000.0, 0.004740702308915165},
                {1000000.0, -0.0007259681912918024}});
  expect_known("of bessel_y1", derivative(bessel_y1, 2),
               {{0.5, -9.411269281678289}, {30.0, -0.08032810055961011}});
  expect_known("modified_bessel_k0", modified_bessel_k0,
               {{1e-10, 23.14178244559887},
                {0.5, 0.9244190712276659},
                {1.9375, 0.12300567052555429},
                {2.0, 0.11389387274953344},
                {2.0625, 0.10550071349007924},
                {10.0, 1.778006231616765e-05},
                {29.875, 2.421422684334685e-14},
                {30.0, 2.1324774964630563e-14},
                {100.0, 4.656628229175902e-45},
                {600.0, 1.3558285309948523e-262}});
  expect_known("of modified_bessel_k0", derivative(modified_bessel_k0, 1),
               {{1e-10, -10000000000.0},
                {0.5, -1.656441120003301},
                {1.9375, -0.151894691359947},
                {2.0, -0.13986588181652243},
                {2.0625, -0.12888016682027845},
                {10.0, -1.8648773453825585e-05},
                {29.875, -2.461620254096007e-14},
                {30.0, -2.1677320018915495e-14},
                {100.0, -4.6798537356369095e-45}});
  expect_known("of modified_bessel_k0", derivative(modified_bessel_k0, 2),
               {{0.5, 4.237301311234267}, {29.875, 2.503820015015723e-14}, {30.0, 2.2047352298594412e-14}});
  expect_known("scaled_modified_bessel_k0", scaled_modified_bessel_k0,
               {{1e-10, 23.141782447913048},
                {0.5, 1.5241093857739094},
                {1.9375, 0.8538285872562115},
                {2.0, 0.8415682150707714},
                {2.0625, 0.8298273904353701},
                {10.0, 0.39163193443659866},
                {29.875, 0.22835906360932307},
                {30.0, 0.22788666561625373},
                {100.0, 0.12517562165912657},
                {600.0, 0.05115568572023596},
                {1000000.0, 0.0012533139806513213}});
  expect_known("of scaled_modified_bessel_k0", derivative(scaled_modified_bessel_k0, 1),
               {{1e-10, -9999999977.858217},
                {0.5, -1.2069003224378763},
                {1.9375, -0.2005295507179109},
                {2.0, -0.19190863199791716},
                {2.0625, -0.18389364493377663},
                {10.0, -0.019134636159190085},
                {29.875, -0.003790944658052598},
                {30.0, -0.003767463761458072},
                {100.0, -0.0006243288204519505},
                {600.0, -4.261200523647875e-05}});
  expect_known("of scaled_modified_bessel_k0", derivative(scaled_modified_bessel_k0, 2),
               {{0.5, 3.048218771547819},
                {29.875, 0.00018882225769817338},
                {30.0, 0.0001868767896742497},
                {100.0, 9.341863891884426e-06}});
  expect_known("modified_bessel_k1", modified_bessel_k1,
               {{1e-10, 10000000000.0},
                {0.5, 1.656441120003301},
                {1.9375, 0.151894691359947},
                {2.0, 0.13986588181652243},
                {2.0625, 0.12888016682027845},
                {10.0, 1.8648773453825585e-05},
                {29.875, 2.461620254096007e-14},
                {30.0, 2.1677320018915495e-14},
                {100.0, 4.6798537356369095e-45},
                {600.0, 1.356957918112806e-262}});
  expect_known("of modified_bessel_k1", derivative(modified_bessel_k1, 1),
               {{1e-10, -1e+20},
                {0.5, -4.237301311234267},
                {1.9375, -0.20140293058230113},
                {2.0, -0.18382681365779466},
                {2.0625, -0.1679880670999112},
                {10.0, -1.964493966155021e-05},
                {29.875, -2.503820015015723e-14},
                {30.0, -2.2047352298594412e-14},
                {100.0, -4.703426766532271e-45}});
  expect_known("of modified_bessel_k1", derivative(modified_bessel_k1, 2),
               {{0.5, 16.75680822248504}, {29.875, 2.54818819872184e-14}, {30.0, 2.2436317673334104e-14}});
  expect_known("scaled_modified_bessel_k1", scaled_modified_bessel_k1,
               {{1e-10, 10000000001.0},
                {0.5, 2.731009708211786},
                {1.9375, 1.0543581379741223},
                {2.0, 1.0334768470686886},
                {2.0625, 1.0137210353691468},
                {10.0, 0.41076657059578875},
                {29.875, 0.23215000826737567},
                {30.0, 0.2316541293777118},
                {100.0, 0.12579995047957854},
                {600.0, 0.05119829772547244},
                {1000000.0, 0.0012533146073081549}});
  expect_known("of scaled_modified_bessel_k1", derivative(scaled_modified_bessel_k1, 1),
               {{1e-10, -1e+20},
                {0.5, -4.255119093985695},
                {1.9375, -0.3436552946880877},
                {2.0, -0.3248297915364271},
                {2.0625, -0.3076074631239915},
                {10.0, -0.02194202090038879},
                {29.875, -0.003979766915750771},
                {30.0, -0.003954340551132322},
                {100.0, -0.0006336706843438349},
                {600.0, -4.2718490972641984e-05}});
  expect_known("of scaled_modified_bessel_k1", derivative(scaled_modified_bessel_k1, 2),
               {{0.5, 16.386058249270715},
                {29.875, 0.00020449919801912006},
                {30.0, 0.00020232803911650747},
                {100.0, 9.574837999511776e-06}});
  const auto ends = tensor({0.0, -0.0, -1.0, infinity, nan});
  for (const auto f : {bessel_y0, bessel_y1})
    EXPECT_TRUE(equals(f(ends), {5}, {-infinity, -infinity, nan, 0, nan}));
  for (const auto f :
       {modified_bessel_k0, modified_bessel_k1, scaled_modified_bessel_k0, scaled_modified_bessel_k1})
    EXPECT_TRUE(equals(f(ends), {5}, {infinity, infinity, nan, 0, nan}));
  EXPECT_TRUE(equals(bessel_j0({0.0, infinity, -infinity, nan}), {4}, {1, 0, 0, nan}));
  EXPECT_TRUE(equals(bessel_j1({0.0, infinity, -infinity, nan}), {4}, {0, 0, 0, nan}));
  EXPECT_EQ(derivative(bessel_j1, 1)(tensor(0.0)).item(), 0.5);
  EXPECT_EQ(derivative(bessel_j1, 3)(tensor(0.0)).item(), -0.375);
}

TEST(SpecialFunctions, erfcx_has_the_digits_of_mpmath) {
  expect_known("erfcx", erfcx,
               {{-26.0, 7.657724931490568e+293},
                {-1.5, 18.653886256262734},
                {1e-10, 0.999999999887162},
                {0.5, 0.6156903441929259},
                {6.875, 0.081222016591888},
                {7.125, 0.07842658154261602},
                {26.0, 0.021683584850562907},
                {1000.0, 0.0005641893014533876},
                {100000000.0, 5.641895835477562e-09}});
  expect_known("of erfcx", derivative(erfcx, 1),
               {{-26.0, -3.9820169643750954e+295},
                {-1.5, -57.090037935883714},
                {1e-10, -1.1283791668955125},
                {0.5, -0.5126888229025867},
                {6.875, -0.011576438957052513},
                {7.125, -0.010800380113234368},
                {26.0, -0.0008327548662414298},
                {1000.0, -5.641887372654967e-07},
                {100000000.0, -5.641895835477562e-17}});
  expect_known("of erfcx", derivative(erfcx, 2),
               {{-26.0, 2.072180366461348e+297},
                {-1.5, 208.57788632017662},
                {1e-10, 1.9999999995486484},
                {0.5, 0.718691865483265},
                {6.875, 0.003267997524303943},
                {7.125, 0.0029477464716422927},
                {26.0, 6.391665657146076e-05},
                {1000.0, 1.1283757819707055e-09},
                {100000000.0, 1.1283791670955122e-24}},
               8);
  EXPECT_TRUE(equals(erfcx({0.0, infinity, -infinity, -27.0, nan}), {5}, {1, 0, infinity, infinity, nan}));
}

TEST(SpecialFunctions, zeta_has_the_digits_of_mpmath) {
  expect_known("zeta", zeta,
               {{1.0000009536743164, 1.0, 1048576.5772157344},
                {1.5, 1.0, 2.612375348685488},
                {2.0, 1.0, 1.6449340668482264},
                {2.0, 0.5, 4.934802200544679},
                {3.0, 0.001, 1000000001.1988161},
                {3.0, 100000.0, 5.00005000025e-11},
                {20.0, 2.0, 9.539620338727962e-07},
                {43.5, 992.0, 1.0693909448333303e-129},
                {1000.0, 1.0, 1.0},
                {1000.0, 50.0, 0.0},
                {2.0, -0.5, 8.934802200544679},
                {3.0, -7.25, -62.00426301828287},
                {28.0, -46.125, 1.9342813113834067e+25},
                {45.0, -30.75, 1.2379400392853803e+27}});
  EXPECT_TRUE(equals(zeta({1, 0.5, 2, 2, 2.5, 2.5, nan, infinity, infinity, 2},
                          {2.0, 2.0, 0.0, -3.0, -3.0, -0.5, 1.0, 1.0, 0.5, infinity}),
                     {10}, {infinity, nan, infinity, infinity, infinity, nan, nan, 1, infinity, 0}));
  EXPECT_EQ(zeta(2).item(), zeta(2, 1).item());
  const Tensor a = variable(2.0), b = variable(1.0);
  EXPECT_NEAR(gradients(zeta(2.0, b), {b}).at(b).item(), -2.4041138063191886, 1e-15);
  EXPECT_THROW(gradients(zeta(a, 1.0), {a}), GradError);
}

}  // namespace
}  // namespace chainrule::test
