/// \file
/// Linear algebra beyond matmul: products, einsum, and what is made of decompositions of matrices. Matrices
/// are the last two axes; axes before them are batches, each matrix by itself. All derivatives can be
/// differentiated again.

#pragma once

#include <initializer_list>
#include <optional>
#include <span>
#include <stdexcept>
#include <string_view>
#include <vector>

#include "chainrule/ops.h"

namespace CHAINRULE_API chainrule {

// ---- Products ------------------------------------------------------------------------------------------

/// Σ aᵢ bᵢ of two vectors of one size, as PyTorch's: ShapeError for more axes (use matmul).
Tensor dot(const Operand& a, const Operand& b);
/// The same: the numbers are real.
Tensor vdot(const Operand& a, const Operand& b);
/// Sums of products over the last axes: (..., k), (***, k) -> (..., ***). A scalar multiplies.
Tensor inner(const Operand& a, const Operand& b);
/// aᵢ bⱼ of two vectors: (m,), (n,) -> (m, n).
Tensor outer(const Operand& a, const Operand& b);
/// The last `dims` axes of a summed against the first of b; the others of a, then of b, are left.
Tensor tensordot(const Operand& a, const Operand& b, Integer dims = 2);
/// The same over axes_a of a against axes_b of b, in pairs.
Tensor tensordot(const Operand& a, const Operand& b, const std::vector<std::int64_t>& axes_a,
                 const std::vector<std::int64_t>& axes_b);
/// xᵀ Wₖ y + bₖ for each k: x (..., n), y (..., m), weight (out, n, m), bias (out,) if any; result (...,
/// out).
Tensor bilinear(const Operand& x, const Operand& y, const Operand& weight, const Tensor& bias = {});
/// Kronecker's product: a block a[i, j] · b for each element of a. With fewer axes than the other one means
/// axes of size 1 in front.
Tensor kron(const Operand& a, const Operand& b);
/// The vector product along an axis of size 3; other axes broadcast.
Tensor cross(const Operand& a, const Operand& b, Integer axis = -1);
/// Aⁿ by repeated squaring; A⁰ is the identity, and a negative power is one of the inverse.
Tensor matrix_power(const Operand& a, Integer n);

/// The product of several matrices, of which the first and the last may be vectors, in the order of the
/// fewest multiplications.
Tensor multi_dot(std::span<const Tensor> operands, Here here = Here::now());
inline Tensor multi_dot(std::initializer_list<Tensor> operands, Here here = Here::now()) {
  return multi_dot(std::span(operands.begin(), operands.size()), here);
}

/// Einstein's sum, in NumPy's and PyTorch's notation: "ij,jk->ik" names the axes of each operand by letters,
/// and those of the result; products are summed over letters that the result does not have.
/// - `...` stands for any number of axes, which broadcast; they are the first axes of a result that is not
///   written out. A written result without them sums over them, as in PyTorch.
/// - A letter twice in one operand takes its diagonal: "ii" is the trace, "ii->i" the diagonal.
/// - Without "->" the result has the letters that occur once, in the order of the alphabet, capitals first.
/// - An axis of size 1 goes with any size, as in PyTorch.
/// The operands meet in pairs, each a batched matmul; in the order of the fewest multiplications up to six
/// operands, beyond that always the cheapest pair next. ShapeError for everything that does not fit.
Tensor einsum(std::string_view equation, std::span<const Tensor> operands, Here here = Here::now());
Tensor einsum(std::string_view equation, std::initializer_list<Operand> operands, Here here = Here::now());
Tensor einsum(std::string_view equation, const Operand& a);
Tensor einsum(std::string_view equation, const Operand& a, const Operand& b);
Tensor einsum(std::string_view equation, const Operand& a, const Operand& b, const Operand& c);

// ---- Systems of equations ------------------------------------------------------------------------------
// Whole numbers become the default float in all that follows. ShapeError for what is no matrix, or not square
// where it must be. A matrix with NaN or an infinity makes NaN.

/// X with A X = B, for A (..., n, n) and B (..., n, k), or a vector (n,), or (..., n) with exactly the batch
/// axes of A, as in PyTorch. Batch axes broadcast. LinAlgError where A is singular. Derivatives: to B, A⁻ᵀ G;
/// to A, -A⁻ᵀ G Xᵀ.
Tensor solve(const Operand& a, const Operand& b);
/// The same where A is triangular, upper or lower: the other half is not read, and with `unitriangular`
/// the diagonal neither, and counts as 1. With `left` false: X A = B. B is a matrix. Zeros on the diagonal
/// give infinities or NaN.
Tensor solve_triangular(const Operand& a, const Operand& b, Flag upper, Flag left = true,
                        Flag unitriangular = false);
/// X with L Lᵀ X = B, where L is what cholesky() gives, or its transpose if `upper`. B is a matrix.
Tensor cholesky_solve(const Operand& b, const Operand& l, Flag upper = false);
/// A⁻¹. LinAlgError where A is singular. Derivative -A⁻ᵀ G A⁻ᵀ.
Tensor inverse(const Operand& a);
/// The X that makes ‖A X - B‖ least, of A (..., m, n) with full rank and B as in solve; with fewer rows than
/// columns the shortest of those that solve it. By the QR decomposition. LinAlgError where the rank is not
/// full: use matmul(pinv(a), b).
Tensor lstsq(const Operand& a, const Operand& b);
/// A⁺, the inverse of Moore and Penrose: singular values up to rtol times the largest, or up to atol, count
/// as 0. By default rtol is max(m, n) times the precision of the dtype, but 0 where atol is above 0.
/// Derivative as long as the rank stays (Golub and Pereyra 1973).
Tensor pinv(const Operand& a, std::optional<double> rtol = {}, std::optional<double> atol = {});

// ---- Decompositions ------------------------------------------------------------------------------------

/// The lower triangular L with A = L Lᵀ. Reads the lower half of A, which counts as symmetric; so does the
/// derivative (Murray 2016, arXiv:1602.07527). LinAlgError where A is not positive definite.
Tensor cholesky(const Operand& a);

/// What qr() gives.
struct [[nodiscard]] QrResult {
  /// Orthonormal columns, and an upper triangle.
  Tensor Q, R;
};
/// A = Q R with orthonormal columns in Q (m, k) and an upper triangular R (k, n), k = min(m, n). The diagonal
/// of R may be negative, as in NumPy. The derivative asks for full rank (Walter and Lehmann 2012). The
/// complete one has k = m: what is added to Q is any orthonormal basis of the rest, as in svd(), and to R
/// rows of zeros.
QrResult qr(const Operand& a, Flag complete = false);

/// What lu() gives.
struct [[nodiscard]] LuResult {
  /// A permutation of rows, a lower triangle with ones on its diagonal, and an upper triangle.
  Tensor P, L, U;
};
/// A = P L U, with P (m, m), L (m, k) and U (k, n), k = min(m, n): each pivot is the largest of its column.
/// P has no derivative; those of L and U ask for full rank.
LuResult lu(const Operand& a);

/// What eigh() gives.
struct [[nodiscard]] EighResult {
  /// In ascending order, and as columns.
  Tensor eigenvalues, eigenvectors;
};
/// A = V diag(λ) Vᵀ of a symmetric A, of which the lower half is read: λ in ascending order, and orthonormal
/// eigenvectors in the columns of V, whose signs are arbitrary. The derivative of V divides by the
/// gaps between eigenvalues: where two are equal, it is not defined, and infinite or NaN. That of λ, V
/// diag(g) Vᵀ, holds always.
EighResult eigh(const Operand& a);
Tensor eigvalsh(const Operand& a);  ///< The eigenvalues alone.

/// What svd() gives.
struct [[nodiscard]] SvdResult {
  /// Left vectors as columns, singular values in descending order, right vectors as rows.
  Tensor U, S, Vh;
};
/// A = U diag(S) Vh: orthonormal columns in U (m, k) and rows in Vh (k, n), k = min(m, n), whose signs are
/// arbitrary, and singular values S in descending order. As with eigh, the derivatives of U and Vh divide by
/// gaps, and (unless A is square) by singular values; that of S, U diag(g) Vh, by none. With full matrices, U
/// is (m, m) and Vh (n, n): what is added is any orthonormal basis of the rest, and has the derivatives of
/// what does not tell one from another, as of its projection.
SvdResult svd(const Operand& a, Flag full_matrices = false);
Tensor svdvals(const Operand& a);  ///< The singular values alone.

// ---- Determinants and functions of a matrix ------------------------------------------------------------

/// The determinant. The derivative is the matrix of cofactors, det(A) A⁻ᵀ where there is an inverse, and
/// right also where there is none.
Tensor det(const Operand& a);
/// What slogdet() gives.
struct [[nodiscard]] SlogdetResult {
  /// det = sign · exp(logabsdet).
  Tensor sign, logabsdet;
};
/// Sign and logarithm of the determinant, which itself may overflow: det = sign · exp(logabsdet). 0 and -inf
/// of a singular matrix. The derivative of logabsdet is A⁻ᵀ, infinite where A is singular; sign has none.
SlogdetResult slogdet(const Operand& a);
/// The logarithm of the determinant: -inf where that is 0, NaN where it is negative. The derivative is A⁻ᵀ.
Tensor logdet(const Operand& a);
/// Σ Aⁿ / n!, by scaling and squaring (Higham 2005). The derivative is a block of the exponential of the
/// matrix [[Aᵀ, G], [0, Aᵀ]].
Tensor matrix_exp(const Operand& a);
/// Norms of matrices.
enum class MatrixNorm : std::uint8_t {
  frobenius,      ///< √Σ aᵢⱼ²
  nuclear,        ///< the sum of the singular values
  one,            ///< the largest sum of a column's |aᵢⱼ|: 1 in NumPy and PyTorch
  minus_one,      ///< the smallest of these
  two,            ///< the largest singular value
  minus_two,      ///< the smallest one
  infinity,       ///< the largest sum of a row's |aᵢⱼ|
  minus_infinity  ///< the smallest of these
};
/// A norm of each matrix. The derivative is that of what it is made of: equal largest ones share.
Tensor matrix_norm(const Operand& a, MatrixNorm order = MatrixNorm::frobenius, Flag keepdims = false);
/// How many singular values are above rtol times the largest, and above atol, int64; both as in pinv.
Tensor matrix_rank(const Operand& a, std::optional<double> rtol = {}, std::optional<double> atol = {});
/// The largest singular value divided by the smallest.
Tensor cond(const Operand& a);

}  // namespace chainrule
