"""Linear algebra. Where a result is unique only up to signs, what does not depend on them is compared."""
import torch

L = torch.linalg
NAMES = dict(
    dot=torch.dot, vdot=torch.vdot, inner=torch.inner, outer=torch.outer, kron=torch.kron, cross=L.cross, tensordot=torch.tensordot,
    matrix_power=L.matrix_power, einsum=torch.einsum, solve=L.solve, inverse=L.inv, det=L.det, slogdet=lambda a: L.slogdet(a), logdet=torch.logdet,
    cholesky=L.cholesky, qr=lambda a, mode="reduced": L.qr(a, mode=mode), eigh=L.eigh, eigvalsh=L.eigvalsh, svd=lambda a, full_matrices=False: L.svd(a, full_matrices=full_matrices), svdvals=L.svdvals,
    pinv=L.pinv, matrix_exp=L.matrix_exp, trace=torch.trace, abs=torch.abs, sum=torch.sum,
    solve_triangular=lambda a, b, upper: L.solve_triangular(a, b, upper=upper), eye=torch.eye,
    lstsq=lambda a, b: L.pinv(a) @ b, swapaxes=torch.swapaxes, cholesky_solve=torch.cholesky_solve, lu=L.lu, tril=torch.tril,
    matrix_norm=lambda a, order="fro", dim=(-2, -1), keepdim=False: L.matrix_norm(a, order, dim, keepdim), multi_dot=lambda tensors: L.multi_dot(tensors),
    block_diag=torch.block_diag, cartesian_prod=torch.cartesian_prod,
    vander=lambda x, n=None, increasing=False: L.vander(x, N=n) if increasing else torch.flip(L.vander(x, N=n), [-1]),
)  # fmt: skip


def add(cases):
    cases.add("dot(a, b)", a=(-2, 2, 4), b=(-2, 2, 4))
    for order in ("'fro'", "'nuc'", "1", "-1", "2", "-2", "inf", "-inf"):
        cases.add(f"matrix_norm(a, {order})", a=(-2, 2, 3, 2), rtol=1e-8)
        cases.add(f"matrix_norm(a, {order})", a=(-2, 2, 2, 2, 2), rtol=1e-8)
        cases.add(f"matrix_norm(a, {order}, dim=(2, 0), keepdim=True)", a=(-2, 2, 3, 2, 2), rtol=1e-8)
    for shape in [(3, 3), (4, 2), (2, 4), (2, 3, 3)]:
        for part in (0, 1, 2):
            cases.add(f"lu(a)[{part}]", a=(-2, 2, *shape), rtol=1e-8, first=part != 0)
    cases.add("cholesky_solve(b, tril(a) + 2 * eye(3))", a=(-1, 1, 3, 3), b=(-1, 1, 3, 2), rtol=1e-9)
    cases.add("cholesky_solve(b, swapaxes(tril(a) + 2 * eye(2), 0, 1), upper=True)", a=(-1, 1, 2, 2), b=(-1, 1, 2, 2), rtol=1e-9)
    cases.add("multi_dot([a, b, c])", a=(-1, 1, 2, 3), b=(-1, 1, 3, 4), c=(-1, 1, 4, 1))
    cases.add("multi_dot([a, b, c])", a=(-1, 1, 3), b=(-1, 1, 3, 4), c=(-1, 1, 4))
    cases.add("block_diag(a, b)", a=(-1, 1, 2, 3), b=(-1, 1, 2))
    cases.add("cartesian_prod(a, b)", a=(-1, 1, 2), b=(-1, 1, 3))
    cases.add("vander(a)", a=(0.5, 2, 3))
    cases.add("vander(a, 2)", a=(0.5, 2, 2, 3))
    cases.add("vander(a, 4, increasing=True)", a=(0.5, 2, 3))
    cases.add("logdet(a + 3 * eye(3))", a=(-1, 1, 3, 3), rtol=1e-9)
    cases.add("logdet(a + 3 * eye(2))", a=(-1, 1, 3, 2, 2), rtol=1e-9)
    cases.add("vdot(a, b)", a=(-2, 2, 4), b=(-2, 2, 4))
    for a, b in [((3,), (3,)), ((2, 3), (3,)), ((2, 3), (4, 3))]:
        cases.add("inner(a, b)", a=(-2, 2, *a), b=(-2, 2, *b))
    cases.add("outer(a, b)", a=(-2, 2, 3), b=(-2, 2, 2))
    for a, b in [((2, 2), (1, 3)), ((3,), (2,)), ((2,), (2, 2))]:
        cases.add("kron(a, b)", a=(-2, 2, *a), b=(-2, 2, *b))
    cases.add("cross(a, b)", a=(-2, 2, 3), b=(-2, 2, 3))
    cases.add("cross(a, b)", a=(-2, 2, 2, 3), b=(-2, 2, 2, 3))
    for dims in (0, 1, 2):
        cases.add(f"tensordot(a, b, {dims})", a=(-1, 1, 2, 3), b=(-1, 1, 2, 3) if dims == 2 else (-1, 1, 3, 2))
    for n in (0, 1, 2, 3, 5, -1, -2):
        cases.add(f"matrix_power(a + 3 * eye(3), {n})", a=(-1, 1, 3, 3), rtol=1e-9)
    for equation, shapes in [
        ("ij,jk->ik", [(2, 3), (3, 2)]), ("ij,jk", [(2, 3), (3, 2)]), ("ij->ji", [(2, 3)]), ("ij->", [(2, 3)]), ("ij->j", [(2, 3)]),
        ("ii->i", [(3, 3)]), ("ii", [(3, 3)]), ("i,i->", [(3,), (3,)]), ("i,j->ij", [(2,), (3,)]), ("bij,bjk->bik", [(2, 2, 3), (2, 3, 2)]),
        ("...ij,...jk->...ik", [(2, 2, 3), (3, 2)]), ("bhid,bhjd->bhij", [(1, 2, 3, 2), (1, 2, 2, 2)]), ("ij,ij->i", [(2, 3), (2, 3)]),
        ("i,ij,j->", [(2,), (2, 3), (3,)]), ("ij,jk,kl->il", [(2, 3), (3, 2), (2, 2)]), ("ijk->kij", [(2, 3, 2)]), ("...i->...", [(2, 3)]),
        ("ij,kj->ik", [(2, 3), (2, 3)]), ("i,j,k->kij", [(2,), (2,), (2,)]), ("iij->j", [(2, 2, 3)]), ("ij,j->ij", [(2, 3), (3,)]),
        ("a,ab,bc,c->", [(2,), (2, 3), (3, 2), (2,)]), ("...,...->...", [(2, 3), (2, 3)]), ("b...i,i->b...", [(2, 2, 3), (3,)]),
    ]:  # fmt: skip
        names = "abcd"[: len(shapes)]
        cases.add(f"einsum('{equation}', {', '.join(names)})", **{n: (-1, 1, *s) for n, s in zip(names, shapes)})
    for shape in [(3, 3), (2, 2, 2), (1, 1)]:
        n = shape[-1]
        a = f"(a + 2 * eye({n}))"
        cases.add(f"solve({a}, b)", a=(-1, 1, *shape), b=(-1, 1, *shape[:-1], 2), rtol=1e-9)
        cases.add(f"inverse({a})", a=(-1, 1, *shape), rtol=1e-9)
        cases.add(f"det({a})", a=(-1, 1, *shape), rtol=1e-9)
        cases.add(f"slogdet({a})[1]", a=(-1, 1, *shape), rtol=1e-9)
        cases.add(f"matrix_exp(a)", a=(-1, 1, *shape), rtol=1e-9)
        s = f"(a @ swapaxes(a, -1, -2) + eye({n}))"
        cases.add(f"cholesky{s}", a=(-1, 1, *shape), rtol=1e-9)
        cases.add(f"eigvalsh{s}", a=(-1, 1, *shape), rtol=1e-8)
        cases.add(f"eigh{s}[0]", a=(-1, 1, *shape), rtol=1e-8)
        cases.add(f"abs(eigh{s}[1])", a=(-1, 1, *shape), rtol=1e-7, second=n < 3)
        cases.add(f"solve_triangular({a}, b, upper=False)", a=(-1, 1, *shape), b=(-1, 1, *shape[:-1], 2), rtol=1e-9)
        cases.add(f"solve_triangular({a}, b, upper=True)", a=(-1, 1, *shape), b=(-1, 1, *shape[:-1], 2), rtol=1e-9)
    cases.add("solve(a + 2 * eye(3), b)", a=(-1, 1, 3, 3), b=(-1, 1, 3), rtol=1e-9)
    for shape in [(3, 2), (3, 3), (2, 3, 2)]:
        if shape == (3, 2):
            cases.add("abs(qr(a, mode='complete')[0])", first=False, a=(-1, 1, *shape), rtol=1e-8)
            cases.add("abs(qr(a, mode='complete')[1])", a=(-1, 1, *shape), first=False, rtol=1e-8)
        cases.add("abs(qr(a)[0])", a=(-1, 1, *shape), rtol=1e-8)
        cases.add("abs(qr(a)[1])", a=(-1, 1, *shape), rtol=1e-8)
    for shape in [(3, 2), (2, 3), (2, 2), (2, 3, 2)]:
        if len(shape) == 2 and shape[0] != shape[1]:
            cases.add("abs(svd(a, full_matrices=True)[0])", first=False, a=(-1, 1, *shape), rtol=1e-7)
            cases.add("abs(svd(a, full_matrices=True)[2])", first=False, a=(-1, 1, *shape), rtol=1e-7)
        cases.add("svdvals(a)", a=(-1, 1, *shape), rtol=1e-8)
        cases.add("svd(a)[1]", a=(-1, 1, *shape), rtol=1e-8)
        cases.add("abs(svd(a)[0])", a=(-1, 1, *shape), rtol=1e-7)
        cases.add("abs(svd(a)[2])", a=(-1, 1, *shape), rtol=1e-7)
        cases.add("pinv(a)", a=(-1, 1, *shape), rtol=1e-8)
        cases.add("pinv(a, atol=1e-3)", a=(-1, 1, *shape), rtol=1e-8)
    cases.add("lstsq(a, b)", a=(-1, 1, 4, 2), b=(-1, 1, 4, 1), rtol=1e-8)
    cases.add("trace(a)", a=(-1, 1, 3, 3))
    # Not det of a singular matrix: the gradient is the matrix of cofactors, for which PyTorch gives 0.
    cases.add("sum(eigvalsh(a))", a=[[2.0, 0.0], [0.0, 2.0]], second=False)
